"""A page on which a tenant is set up is small, and asks the API at most six times besides what stands around it."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

from chalicelib.web import frame
from chalicelib.web.asking import Asking
from chalicelib.web.pages.configuration import ROWS
from tests.page_browser import Browser
from tests.site_map import site_map
from tests.web.test_insights import mail
from tests.worlds import Scene

if TYPE_CHECKING:
    import pytest

MOST_QUESTIONS = 6
LARGEST = 50_000
STARTS = (
    "/org/acme/servers/app",
    "/org/acme/servers/app/streams",
    "/org/acme/servers/app/audit?verify=1",
    "/org/acme/servers/app/routes?to=support@acme.test",
    "/org/acme/domains",
    "/org/acme/suppressions",
    "/org/acme/audit",
    "/org/acme/ip_rules",
    "/org/acme/settings/erase",
)


async def test_pages_ask_little_and_are_small(
    scene: Scene, owner: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mail(scene)
    await _filled(owner)
    found = await site_map(owner, *STARTS)
    ours = {row.pattern for row in ROWS if row.method == "GET"}
    reached = {pattern: address for pattern, address in found.items() if pattern in ours}
    assert len(reached) >= 45, sorted(ours - reached.keys())
    asked: list[str] = []
    real = Asking.answer

    async def answer(self: Asking, method: str, path: str, **more: Any) -> Any:
        asked.append(f"{method} {path}")
        return await real(self, method, path, **more)

    async def nothing_around(page: Any) -> frame.Frame:
        return frame.Frame()

    monkeypatch.setattr(Asking, "answer", answer)
    monkeypatch.setattr("chalicelib.web.dispatch.frame_of", nothing_around)
    for pattern, address in reached.items():
        asked.clear()
        shown = await owner.get(address)
        assert len(asked) <= MOST_QUESTIONS, (pattern, asked)
        assert len(gzip.compress(shown.html.encode())) < LARGEST, pattern
        assert shown.nodes <= 1_500, pattern
        assert not shown.repeated_ids, (pattern, shown.repeated_ids)


async def _filled(owner: Browser) -> None:
    """Something on each page."""
    server = "/org/acme/servers/app"
    forms: tuple[tuple[str, str, dict[str, str]], ...] = (
        ("/tracking", "Add track domain", {}),
        ("/suppressions", "Suppress", {"address": "bob@example.com"}),
        ("/keys/new", "Create this key", {"name": "Shop"}),
        ("/webhooks/new", "Add webhook", {"url": "https://hooks.acme.test/x"}),
        ("/endpoints/new?type=address", "Add endpoint", {"address": "desk@example.com"}),
        ("/routes/new", "Add route", {"name": "support", "mode": "Hold"}),
    )
    for path, button, values in forms:
        shown = await owner.submit(await owner.get(server + path), button, **values)
        assert shown.status == 200, (path, shown.text)
    webhook = next(
        one
        for one in (await owner.get(f"{server}/webhooks")).addresses
        if one.startswith(f"{server}/webhooks/") and not one.endswith("/new")
    )
    await owner.submit(await owner.get(webhook), "Send a test event")
