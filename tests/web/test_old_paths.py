"""Links to Postal's pages lead to ours, for good."""

from __future__ import annotations

import re

import pytest

from chalicelib.web.old_paths import OLD, moved_to
from chalicelib.web.routes import ROWS, find
from tests.page_browser import Browser

SERVER = "/org/acme/servers/app"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (f"{SERVER}/messages/held", f"{SERVER}/held"),
        (f"{SERVER}/credentials/12/edit", f"{SERVER}/keys"),
        (f"{SERVER}/help/outgoing", f"{SERVER}/keys"),
        (f"{SERVER}/messages/7/html_raw", f"{SERVER}/messages/7/preview"),
        (f"{SERVER}/webhooks/history/a-b", f"{SERVER}/webhooks"),
        ("/org/acme/ip_pool_rules/3", "/org/acme/ip_rules"),
        ("/ip_pools", "/admin/pools"),
        ("/users/4", "/admin/users"),
    ],
)
def test_an_old_path_has_its_page(old: str, new: str) -> None:
    assert moved_to(old) == new


def test_every_page_that_is_led_to_is_there_and_none_of_ours_is_hidden() -> None:
    known = {"org": "acme", "server": "app", "id": "1"}
    for new in OLD.values():
        assert find("GET", new.format_map(known)), new
    for row in ROWS:
        assert moved_to(re.sub(r"{\w+}", "1", row.pattern)) is None, row.pattern


@pytest.mark.parametrize(
    "path", ["/", "/org/acme", f"{SERVER}/messages/7", "//users", "/usersx", "x" * 9_000]
)
def test_others_lead_nowhere(path: str) -> None:
    assert moved_to(path) is None


async def test_browsers_keep_it(owner: Browser) -> None:
    owner.prefix = "/api"
    shown = await owner.ask("GET", f"{SERVER}/messages/held?page=2", b"", {})
    assert (shown.status, shown.answer.headers["Location"]) == (308, f"/api{SERVER}/held")
