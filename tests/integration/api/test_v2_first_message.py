"""A first message to oneself: kept by one's own server, from the installation's address, without any domain."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from tests.http_api import ApiWorld, api_world
from tests.people import visitor

SETTINGS = Settings(system_server="acme/app", system_from="posthorn@acme.test")


@pytest.fixture
def mailing() -> Iterator[ApiWorld]:
    """An installation that writes to people, with another organization that has no domain."""
    with api_world(SETTINGS) as world:
        world.manage("POST", "/organizations", {"name": "Fresh"})
        world.manage("POST", "/servers", {"organization": "fresh", "name": "Mail"})
        yield world


def test_it_needs_no_domain_and_is_delivered_and_signed(mailing: ApiWorld) -> None:
    admin = visitor(mailing, admin=True, email="john@example.com")
    made = admin.ask("POST", "/emails/test", {}, "fresh/mail")
    assert made.status == 202, made
    number = made.json["emails"][0]["id"]
    bootstrap.run(mailing.scene.deliver_ready())
    shown = admin.ask("GET", f"/emails/{number}", tenant="fresh/mail").json
    assert (shown["status"], shown["to"]) == ("Sent", admin.user.email)
    assert shown["from"] == "posthorn@acme.test"
    assert b"d=acme.test" in mailing.scene.egress.received[-1].content
    assert mailing.v2("GET", "/emails").json["data"] == []


def test_nobody_else_sends_in_the_name_of_the_installation(mailing: ApiWorld) -> None:
    member = visitor(mailing, Role.MEMBER)
    assert member.ask("POST", "/emails/test", {}, "fresh/mail").status == 404
    assert visitor(mailing, Role.VIEWER).ask("POST", "/emails/test", {}, "acme/app").status == 403
    admin = visitor(mailing, admin=True)
    forged = {"from": "posthorn@acme.test", "to": "x@example.com", "text": "x"}
    refused = admin.ask("POST", "/emails", forged, "fresh/mail")
    assert (refused.status, refused.json["code"]) == (403, "sender_refused")


def test_keys_have_no_address_of_their_own(mailing: ApiWorld) -> None:
    reply = mailing.manage("POST", "/emails/test", {}, "acme/app")
    assert (reply.status, reply.json["code"]) == (403, "refused")


def test_where_the_installation_sends_no_mail_it_is_a_temporary_failure(api: ApiWorld) -> None:
    reply = visitor(api, Role.OWNER).ask("POST", "/emails/test", {}, api.scene.server.full_name)
    assert (reply.status, reply.json["code"]) == (503, "temporary_failure")
