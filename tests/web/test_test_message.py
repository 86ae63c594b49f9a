"""Sending a test message and having one come in: what the form holds, errors beside their fields, who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib import bootstrap
from tests.incoming_play import address_route
from tests.web.looking import VIEWER, Looker
from tests.web.test_messages import EVIL

GOOD = {"from": "test@acme.test", "to": "ada@example.com", "subject": "Hi", "text": "x"}


def test_the_form_is_filled_in_and_leads_to_the_message(looker: Looker) -> None:
    shown = looker.get("/messages/new")
    shown.has("At acme.test", "It really goes there", "Send the test message")
    assert 'value="test@acme.test"' in shown.text
    key = shown.hidden("key")
    sent = looker.post("/messages/new", **GOOD, tag="t", attachment="1", key=key)
    again = looker.post("/messages/new", **GOOD, tag="t", attachment="1", key=key)
    assert sent.location == again.location
    looker.follow(sent).has("It was accepted", "ada@example.com", "Waiting for a worker")


def test_without_a_domain_it_comes_from_the_installation(looker: Looker) -> None:
    server = looker.api.scene.server.full_name
    reply = looker.api.manage("DELETE", "/domains/acme.test", None, server)
    assert reply.status == 204
    shown = looker.get("/messages/new")
    shown.has("No domain of your own yet", "Send a first message to owner@acme.test")


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"from": "x@elsewhere.example"}, "from"),
        ({"from": ""}, "from"),
        ({"to": "nobody"}, "to"),
        ({"to": EVIL}, "to"),
        ({"subject": "a\x00b"}, "subject"),
        ({"tag": "x" * 10_000}, "tag"),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    looker: Looker, fields: dict[str, str], name: str
) -> None:
    shown = looker.post("/messages/new", **(GOOD | fields))
    assert shown.status == 422
    assert shown.text.count("<title>Error: ") == 1
    assert f'id="e-{name}"' in shown.text or 'role="alert"' in shown.text
    assert "<script>alert" not in shown.text
    assert looker.api.count() == 0


def test_domains_that_cannot_be_had_are_said_to_be(
    looker: Looker, broken: Callable[..., None]
) -> None:
    broken("/domains", "/routes")
    looker.get("/messages/new").has("The domains could not be loaded")
    looker.get("/messages/new", direction="incoming").has("The routes could not be loaded")


def test_development_mode_is_said(looker: Looker) -> None:
    looker.manage("PATCH", f"/servers/{looker.api.scene.server.full_name}", {"mode": "Development"})
    looker.get("/messages/new").has("Development mode: the message is held")


def test_an_incoming_message_is_simulated(looker: Looker) -> None:
    looker.get("/messages/new", direction="incoming").has("No route yet")
    route = bootstrap.run(address_route(looker.api.scene))
    shown = looker.get("/messages/new", direction="incoming")
    shown.has("fwd@acme.test", "Have it come in")
    made = looker.post(
        "/messages/new/incoming", route=route.id, **{"from": "joe@example.com"}, text="Hello"
    )
    looker.follow(made).has("It came in", "joe@example.com", "Received")
    for wrong in ("", "nothing", "../x"):
        assert looker.post("/messages/new/incoming", route=wrong, text="x").status == 422


def test_who_may_only_look_cannot_send(looker: Looker) -> None:
    looker.role = VIEWER
    assert looker.get("/messages/new").status == 403
    assert looker.post("/messages/new", **GOOD).status == 403
    assert looker.post("/messages/new/first").status == 403
    assert looker.post("/messages/new/incoming", route="x").status == 403
