"""GET /api/v2/emails?q=…: what it finds, how its pages go on, and what is said of a search that cannot be read."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.api.v2.mail_filters import MOST_AT_ONCE, SearchesAtOnce
from chalicelib.domain.rates import SEARCH
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.messages import search_index
from tests.http_api import ApiWorld, Reply

GOOD = {"from": "app@acme.test", "to": "x@example.com", "text": "Hello"}


def send(api: ApiWorld, **change: Any) -> int:
    reply = api.v2("POST", "/emails", GOOD | change)
    assert reply.status == 202, reply.body
    number: int = reply.json["id"]
    return number


def listed(api: ApiWorld, **query: Any) -> Reply:
    return api.v2("GET", f"/emails?{urlencode(query)}")


def ids(reply: Reply) -> list[int]:
    assert reply.status == 200, reply.body
    return [email["id"] for email in reply.json["data"]]


def test_a_search_finds_and_says_nothing_more(api: ApiWorld) -> None:
    one = send(api, subject="Your invoice", tag="billing", metadata={"order": "7"})
    send(api, subject="Welcome")
    for q in ("invoice", "invo* tag:billing", "meta.order:7", f"id:{one}", "status:queued tag:b*"):
        assert ids(listed(api, q=q)) == [one], q
    reply = listed(api, q="invoice").json
    assert (reply["has_more"], reply["next_cursor"], reply["searched_to"]) == (False, None, None)
    token = reply["data"][0]["token"]
    assert ids(listed(api, q=f"token:{token}")) == [one]
    assert ids(listed(api, q=f"msgid:<{reply['data'][0]['message_id']}>")) == [one]
    assert ids(listed(api, q="nothing")) == []


def test_its_pages_go_on_with_the_same_search_only(api: ApiWorld) -> None:
    numbers = [send(api, subject=f"Order {n}") for n in range(5)]
    send(api, subject="Other")
    first = listed(api, q="order", limit=2)
    assert ids(first) == numbers[:2:-1]
    cursor = first.json["next_cursor"]
    assert first.json["has_more"]
    assert ids(listed(api, q="order", limit=3, cursor=cursor)) == numbers[2::-1]
    for query in ({"q": "orders"}, {}, {"q": "order", "direction": "incoming"}):
        reply = listed(api, cursor=cursor, **query)
        assert reply.status == 422
        assert [error["pointer"] for error in reply.json["errors"]] == ["/cursor"]
    assert ids(listed(api, q="order order:oldest-first")) == numbers


def test_it_works_with_what_lists_are_filtered_by(api: ApiWorld) -> None:
    one = send(api, subject="Order 1", to="bob@example.com")
    two = send(api, subject="Order 2", to="eve@example.com")
    assert ids(listed(api, q="order", to="BOB@example.com")) == [one]
    assert ids(listed(api, q="order", to="bob@example.com", direction="incoming")) == []
    assert ids(listed(api, q="order", direction="incoming")) == []
    assert ids(listed(api, q="order", to="bob@example.com", status="held")) == []
    assert ids(listed(api, q="to:*@example.com -to:bob*")) == [two]
    assert listed(api, to="bob@example.com", status="held").status == 422


def test_what_people_call_a_credential_is_searched_for(api: ApiWorld) -> None:
    one = send(api)
    shown = api.v2("GET", f"/emails/{one}").json
    tenant = f"{api.scene.organization.permalink}/{api.scene.server.permalink}"
    keys = api.manage("GET", "/credentials", tenant=tenant).json["data"]
    name = next(key["name"] for key in keys if key["id"] == shown["credential"])
    for q in (f'credential:"{name}"', f"credential:{shown['credential']}", "credential:*"):
        assert ids(listed(api, q=q)) == [one], q
    assert ids(listed(api, q=f'-credential:"{name}"')) == []
    assert ids(listed(api, q="route:nobody endpoint:nobody")) == []


@pytest.mark.parametrize(
    ("q", "told"),
    [
        ("order tga:x", "tga:x: there is no key tga; tag may be meant"),
        ("status:sendt", "sent may be meant"),
        ('"open', '"open: the quote is never closed'),
        ("before:soon", "before:soon: a moment is"),
        ("a " * 21, "at most 20 terms"),
    ],
)
def test_a_search_that_cannot_be_read_is_a_problem(api: ApiWorld, q: str, told: str) -> None:
    reply = listed(api, q=q)
    assert (reply.status, reply.json["code"]) == (422, "invalid_request")
    (error,) = reply.json["errors"]
    assert (error["pointer"], error["code"]) == ("/q", "query_syntax")
    assert told in error["detail"]


def test_a_longer_one_is_refused(api: ApiWorld) -> None:
    reply = listed(api, q="x" * 1_001)
    assert [error["pointer"] for error in reply.json["errors"]] == ["/q"]
    assert listed(api, q="x" * 1_000).status == 200


def test_a_page_says_how_far_it_has_looked(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(6):
        send(api, subject="one two")
    monkeypatch.setattr(search_index, "NEWEST", 1)
    monkeypatch.setattr(search_index, "MOST_LISTED", 1)
    monkeypatch.setattr(search_index, "MOST_READ", 1)
    monkeypatch.setattr(search_index, "AT_ONCE", 1)
    program = api.scene.posthorn
    changes, _ = program[EventFeed].read()
    bootstrap.run(program[IndexMail].take("a", changes))
    reply = listed(api, q='"two one"', limit=1)
    assert ids(reply) == []
    assert reply.json["has_more"]
    oldest = api.v2("GET", "/emails").json["data"][1]["received_at"]
    assert reply.json["searched_to"] == oldest


def test_searches_that_have_to_look_are_counted(api: ApiWorld) -> None:
    plain = listed(api)
    cheap = listed(api, q="id:1 msgid:x to:a@b.example")
    looked = listed(api, q="order")
    assert "ratelimit-policy" not in plain.headers
    assert "ratelimit-policy" not in cheap.headers
    assert looked.headers["ratelimit-policy"] == f'"search";q={SEARCH.quota};w=60'
    again = listed(api, q="other")
    assert again.headers["ratelimit"].startswith(f'"search";r={SEARCH.quota - 2};')


def test_a_server_is_searched_eight_times_at_once(api: ApiWorld) -> None:
    at_once, server = api.scene.posthorn[SearchesAtOnce], api.scene.server.id
    with ExitStack() as others:
        for _ in range(MOST_AT_ONCE):
            others.enter_context(at_once.one(server))
        refused = listed(api, q="order")
        assert (refused.status, refused.json["code"]) == (429, "throttled")
        assert int(refused.headers["retry-after"]) >= 1
        assert listed(api, q="id:1").status == 200
        assert listed(api).status == 200
    assert listed(api, q="order").status == 200
