"""A message that waits says why, is tried at a button, and then shows by itself or when loaded again that it left."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.domain.reply import Reply
from chalicelib.ports.egress import TransactionResult
from onehost.web.application import Web
from tests.browser_looks import context_of
from tests.filled_site import Site
from tests.http_api import ApiWorld, api_world
from tests.page_browser import signed_in
from tests.web_client import serving_web
from tests.worlds import make_scene

if TYPE_CHECKING:
    from playwright.sync_api import Browser

GREYLISTED = TransactionResult(Reply(451, "4.7.1", "Greylisted, try again in 15 minutes"), "RCPT")
GOOD = {"from": "app@acme.test", "to": "greylisted@example.net", "subject": "Why", "text": "x"}


@pytest.fixture
def plain() -> Iterator[Site]:
    """A server whose mail leaves."""
    scene = bootstrap.run(make_scene(Settings(web_url="http://localhost:8080")))
    with api_world(scene=scene):
        made = signed_in(scene.posthorn, "ada@acme.test", Role.OWNER, scene.organization)
        boss = bootstrap.run(made)
        with serving_web(Web(scene.posthorn)) as port:
            yield Site(scene, port, boss, {})


@pytest.mark.parametrize("scripted", [True, False], ids=["with script", "without script"])
def test_try_now(chromium: Browser, plain: Site, scripted: bool) -> None:
    plain.scene.egress.will("greylisted@example.net", GREYLISTED)
    number = ApiWorld(plain.scene).v2("POST", "/emails", GOOD).json["id"]
    bootstrap.run(plain.scene.deliver_ready())
    with context_of(chromium, plain, java_script_enabled=scripted) as context:
        page = context.new_page()
        page.goto(f"{plain.url}/org/acme/servers/app/search?q={number}")
        box = page.get_by_role("region", name="Waiting: the receiver asked us to come back later")
        assert "Greylisted, try again in 15 minutes" in box.inner_text()
        box.get_by_role("button", name="Try now").click()
        assert "It is tried now" in page.get_by_role("status").first.inner_text()
        bootstrap.run(plain.scene.deliver_ready())
        if not scripted:
            page.reload()
        page.get_by_role("heading", name="Delivered to mx.example.net").wait_for()
        assert not box.is_visible()
