"""The search of every page: what is recognised leads there at once, the rest is one page of results."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest

from chalicelib.web.sought import sought
from tests.page_browser import Browser
from tests.web.looking import Looker
from tests.web.test_messages import EVIL, sent
from tests.worlds import Scene


@pytest.mark.parametrize(
    ("text", "kind", "q"),
    [
        ("48211", "message", "48211"),
        ("3nsEaDZFBcRX5Yzh", "message", "3nsEaDZFBcRX5Yzh"),
        ("<a.b@acme.test>", "msgid", "msgid:a.b@acme.test"),
        ("Ada@Example.com", "address", "Ada@Example.com"),
        ("example.com", "domain", "domain:example.com"),
        ("status:held tag:x", "query", "status:held tag:x"),
        ("meta.order:7", "query", "meta.order:7"),
        ("two words", "words", "two words"),
        ("http://x.example/", "words", "http://x.example/"),
        ("", "words", ""),
    ],
)
def test_recognised(text: str, kind: str, q: str) -> None:
    found = sought(text)
    assert (found.kind, found.q) == (kind, q)


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "a." * 50_000, "a@" * 50_000, "<" * 100_000, '"' * 100_000]
)
def test_any_text_is_something(text: str) -> None:
    assert sought(text).kind


def test_a_number_or_token_is_its_message(looker: Looker) -> None:
    (number,) = sent(looker)
    token = looker.manage("GET", f"/emails/{number}")["token"]
    for text in (number, token):
        assert looker.get("/search", q=text).location == f"{looker.server}/messages/{number}"
    looker.get("/search", q="4711").has("Nothing found", "There is no message 4711")


def test_terms_lead_to_the_list(looker: Looker) -> None:
    shown = looker.get("/search", q="status:held")
    assert shown.location == f"{looker.server}/messages/outgoing?q=status%3Aheld"


def test_an_address_has_messages_and_its_suppression(looker: Looker) -> None:
    sent(looker)
    looker.manage("POST", "/suppressions", {"address": "jonas@example.com"})
    shown = looker.get("/search", q="jonas@example.com")
    shown.has("Outgoing messages", "Your order", "Suppressed", "added by hand")


def test_a_domain_of_the_server_is_its_page(looker: Looker) -> None:
    shown = looker.get("/search", q="acme.test")
    shown.has("Domain")
    assert f'href="{looker.server}/domains/acme.test"' in shown.text


def test_nothing_found_offers_all_servers(looker: Looker) -> None:
    looker.get("/search", q="nothing at all").has("Nothing found", "Search all servers")
    looker.get("/search").has("Type an address")


def test_all_servers_are_named_with_where_to_look(looker: Looker) -> None:
    looker.get("//search", q="app").has("Servers", "acme/app", "Look for it among the mail of")
    looker.get("//search").has("Type the name")


def test_members_are_found_by_address_and_name(looker: Looker) -> None:
    looker.get("/search", q="lovelace").has("Members", "@acme.test")
    assert 'id="r-people"' not in looker.get("/search", q="nobody at all").text


async def test_operators_find_users_and_addresses_of_ways_out(
    scene: Scene, admin: Browser, owner: Browser
) -> None:
    source = {"name": "out1", "kind": "direct", "address": "192.0.2.9"}
    form = await admin.get("/admin/sources")
    await admin.submit(form, "Add this source", **source)
    for text, words in (("owner@acme.test", "Users"), ("192.0.2.9", "Ways out")):
        shown = await admin.get(f"/search?q={quote(text)}")
        assert words in shown.text
        assert text in shown.text
        theirs = await owner.get(f"/search?q={quote(text)}")
        assert not {one for one in theirs.addresses if one.startswith("/admin")}, words
        assert words not in theirs.text


def test_a_part_that_cannot_be_searched_is_said(
    looker: Looker, broken: Callable[..., None]
) -> None:
    broken("/emails")
    looker.get("/search", q="jonas@example.com").has("Messages could not be searched")


def test_hostile_searches_do_nothing(looker: Looker) -> None:
    for path in ("/search", "//search"):
        shown = looker.get(path, q=EVIL)
        assert "<script>alert" not in shown.text
        assert "\u202e" not in re.sub(
            r'value="[^"]*"', "", shown.text
        )  # a field keeps what was typed
