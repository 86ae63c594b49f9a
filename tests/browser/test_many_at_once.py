"""Held messages are looked at, chosen, and released together; the same with script and without."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from chalicelib import bootstrap
from chalicelib.services.jobs.run import RunJobs
from tests.browser_looks import context_of
from tests.filled_site import Site
from tests.http_api import ApiWorld

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SERVER = "/org/acme/servers/app"
GOOD = {"from": "app@acme.test", "to": "many@example.com", "subject": "Held", "text": "x"}


def held(site: Site, count: int) -> list[int]:
    """Messages that somebody holds."""
    api = ApiWorld(site.scene)
    numbers = [api.v2("POST", "/emails", GOOD).json["id"] for _ in range(count)]
    for one in numbers:
        api.manage("POST", f"/emails/{one}/hold", None, site.scene.server.full_name)
    return numbers


def choose(page: Page, numbers: list[int]) -> None:
    for one in numbers:
        page.get_by_label(f"Select message {one}", exact=True).check()


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_hold_to_bulk_release(chromium: Browser, site: Site, scripted: bool) -> None:
    numbers = held(site, 3)
    with context_of(chromium, site, java_script_enabled=scripted) as context:
        page = context.new_page()
        page.goto(f"{site.url}{SERVER}/held")
        bar = page.get_by_role("form", name="Selected messages")
        assert not bar.is_visible()
        choose(page, numbers[:2])
        assert bar.is_visible()
        if scripted:
            assert "2 selected" in bar.inner_text()
        bar.get_by_role("button", name="Release").click()
        assert "The 2 that were selected" in page.inner_text("main")
        page.get_by_role("button", name="Release 2 messages").click()
        assert page.get_by_role("heading", level=1).inner_text() == "Release messages"
        for _ in range(3):
            bootstrap.run(site.scene.posthorn[RunJobs].run(5))
            bootstrap.run(site.scene.deliver_ready())
            site.scene.clock.advance(5)
        page.reload()
        assert "Done" in page.inner_text("main .badge")
        page.goto(f"{site.url}{SERVER}/messages/{numbers[0]}")
        assert "Held by a person" not in page.inner_text("main")
        page.goto(f"{site.url}{SERVER}/messages/{numbers[2]}")
        assert "Held by a person" in page.inner_text("main")
