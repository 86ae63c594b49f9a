"""Invitations by the API: mailed or shown, accepted once by whom they are for, withdrawn with whoever sent them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.people.invitations import INVITATION_SECONDS
from chalicelib.domain.people.roles import Role
from chalicelib.domain.rates import RESET
from tests.http_api import ApiWorld, Reply
from tests.integration.api.conftest import Opened
from tests.people import PASSWORD, Visitor, a_person, visitor

ON_BOTH_ENGINES = True

ACME = "acme"
INVITED = "joan@people.test"


@pytest.fixture
def mailing(opened: Opened) -> Iterator[ApiWorld]:
    """An installation that writes to people."""
    with opened(system_server="acme/app", system_from="posthorn@acme.test") as world:
        yield world


def told(reply: Reply) -> tuple[int, str]:
    """Status and code of a problem."""
    return reply.status, reply.json["code"]


def token_in(url: str) -> str:
    """The token of a link."""
    return url.rpartition("/")[2]


def invited(api: ApiWorld, role: str = "member", email: str = INVITED, **more: Any) -> str:
    """The token of a link that an operator was shown."""
    reply = api.manage("POST", "/invitations", {"email": email, "role": role, **more}, ACME)
    assert reply.status == 201, reply
    return token_in(reply.json["url"])


def accept(who: Visitor, token: str, value: Any = None) -> Reply:
    """Follow a link and say yes."""
    return who.ask("POST", f"/invitations/by-token/{token}", {} if value is None else value)


NEW = {"first_name": "Joan", "last_name": "Clarke", "password": PASSWORD}


def test_a_new_person_follows_the_link_chooses_a_password_and_is_a_member(api: ApiWorld) -> None:
    token, joan = invited(api, servers=[api.scene.server.permalink]), Visitor(api)
    offer = joan.ask("GET", f"/invitations/by-token/{token}").json
    assert (offer["organization"], offer["name"]) == (ACME, api.scene.organization.name)
    assert (offer["email"], offer["role"], offer["has_account"]) == (INVITED, "member", False)
    assert accept(joan, token).json["errors"][0]["pointer"] == "/password"
    weak = accept(joan, token, NEW | {"password": "1234567890"})
    assert weak.json["errors"][0]["code"] == "password_weak"

    done = accept(joan, token, NEW)
    assert (done.status, done.json) == (200, {"organization": ACME})
    shown = joan.sign_in(INVITED).json
    assert shown["user"]["first_name"] == "Joan"
    assert shown["memberships"][0]["servers"] == [api.scene.server.permalink]
    for reply in (accept(joan, token), joan.ask("GET", f"/invitations/by-token/{token}")):
        assert told(reply) == (404, "not_found")
    (listed,) = api.manage("GET", "/invitations", tenant=ACME).json["data"]
    assert listed["accepted_at"] is not None
    actions = [
        (one["action"], one["actor"]["name"], one["object"]["name"])
        for one in api.manage("GET", "/audit?limit=3", tenant=ACME).json["data"]
    ]
    assert ("member.create", INVITED, INVITED) in actions


def test_who_has_an_account_signs_in_to_accept_and_nobody_else_may(api: ApiWorld) -> None:
    user, other = bootstrap.run(a_person(api.scene.posthorn)), visitor(api)
    token = invited(api, email=user.email.upper())
    assert Visitor(api).ask("GET", f"/invitations/by-token/{token}").json["has_account"] is True
    assert told(accept(Visitor(api), token, NEW)) == (401, "unauthenticated")
    assert told(accept(other, token)) == (403, "refused")
    mine = Visitor(api)
    mine.sign_in(user.email)
    assert accept(mine, token).status == 200
    assert mine.ask("GET", "/members", tenant=ACME).status == 200


def test_a_link_is_used_once_however_many_follow_it_at_once(api: ApiWorld) -> None:
    token = invited(api)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: accept(Visitor(api), token, NEW), range(4)))
    assert sorted(reply.status for reply in replies)[0] == 200
    assert {reply.status for reply in replies} <= {200, 401, 404, 409}
    assert sum(reply.status == 200 for reply in replies) == 1
    assert len(api.manage("GET", "/users").json["data"]) == 1


def test_a_link_works_no_more_when_it_ended_was_withdrawn_or_followed_by_another(
    api: ApiWorld,
) -> None:
    older, newer = invited(api), invited(api)
    assert told(accept(Visitor(api), older, NEW)) == (404, "not_found")
    (listed,) = api.manage("GET", "/invitations", tenant=ACME).json["data"]
    assert api.manage("DELETE", f"/invitations/{listed['id']}", tenant=ACME).status == 204
    late = invited(api)
    for token in (newer, "unknown", "x" * 1_000):
        assert told(accept(Visitor(api), token, NEW)) == (404, "not_found")
    api.scene.clock.advance(INVITATION_SECONDS)
    assert told(accept(Visitor(api), late, NEW)) == (404, "not_found")
    assert api.manage("GET", "/invitations", tenant=ACME).json["data"] == []


def test_accepting_is_taken_from_no_page_of_another_site(api: ApiWorld) -> None:
    token = invited(api)
    at = f"/invitations/by-token/{token}"
    reply = Visitor(api).ask("POST", at, NEW, origin="https://evil.example")
    assert told(reply) == (403, "csrf")
    assert Visitor(api).ask("POST", at, b"password=x", content_type="text/plain").status == 415


def test_nobody_invites_to_more_than_they_have(api: ApiWorld) -> None:
    admin, member = visitor(api, Role.ADMIN), visitor(api, Role.MEMBER)
    blind = visitor(api, Role.ADMIN, read_content=False)
    limited = visitor(api, Role.ADMIN, servers=(api.scene.server.id,))

    def invite(who: Visitor, **wanted: Any) -> Reply:
        value = {"email": INVITED, "role": "viewer"} | wanted
        return who.ask("POST", "/invitations", value, ACME)

    assert invite(member).json["scope"] == "people:write"
    assert invite(admin, role="owner").json["scope"] == "owner"
    assert invite(blind, role="member").json["scope"] == "emails:read"
    assert invite(blind, role="member", read_content=False).status == 201
    assert told(invite(limited)) == (403, "scope_missing")
    assert invite(limited, servers=[api.scene.server.permalink]).status == 201
    key = api.manage("POST", "/keys", {"name": "k", "scopes": ["people:write"]}, ACME).json["key"]
    reply = api.manage("POST", "/invitations", {"email": INVITED, "role": "member"}, ACME, key=key)
    assert told(reply) == (403, "scope_missing")


def test_the_link_is_shown_to_operators_alone(api: ApiWorld) -> None:
    wanted = {"email": INVITED, "role": "viewer"}
    for who, shows in ((visitor(api, Role.OWNER), False), (visitor(api, admin=True), True)):
        reply = who.ask("POST", "/invitations", wanted, ACME)
        assert (reply.json["url"] is not None) is shows


def test_a_members_address_is_not_invited(api: ApiWorld) -> None:
    owner = visitor(api, Role.OWNER)
    wanted = {"email": owner.user.email.upper(), "role": "viewer"}
    reply = owner.ask("POST", "/invitations", wanted, ACME)
    assert told(reply) == (409, "conflict")
    assert reply.json["errors"][0]["pointer"] == "/email"


def test_an_address_is_written_to_a_few_times_an_hour(api: ApiWorld) -> None:
    for _ in range(RESET.quota):
        invited(api)
    wanted = {"email": INVITED, "role": "viewer"}
    reply = api.manage("POST", "/invitations", wanted, ACME)
    assert told(reply) == (429, "throttled")
    assert reply.headers["ratelimit-policy"].startswith('"reset"')


def test_what_whoever_is_removed_or_lowered_sent_is_withdrawn(api: ApiWorld) -> None:
    owner, admin = visitor(api, Role.OWNER), visitor(api, Role.ADMIN)
    for address in ("a@b.test", "c@d.test"):
        wanted = {"email": address, "role": "viewer"}
        assert admin.ask("POST", "/invitations", wanted, ACME).status == 201
    kept = owner.ask("POST", "/invitations", {"email": "e@f.test", "role": "viewer"}, ACME)
    at = f"/members/{admin.user.id}"
    assert owner.ask("PATCH", at, {"role": "member"}, ACME).status == 200
    left = owner.ask("GET", "/invitations", tenant=ACME).json["data"]
    assert [one["id"] for one in left] == [kept.json["id"]]


def test_where_mail_is_sent_the_link_is_in_the_mail_alone(mailing: ApiWorld) -> None:
    owner = visitor(mailing, Role.OWNER)
    wanted = {"email": INVITED, "role": "viewer"}
    made = owner.ask("POST", "/invitations", wanted, ACME)
    assert (made.status, made.json["url"]) == (201, None)
    (mail,) = mailing.v2("GET", f"/emails?to={INVITED}").json["data"]
    text = mailing.content(mail["id"]).decode()
    link = re.search(r"https://\S+/invite/([A-Za-z0-9]{32})\b", text)
    assert link is not None
    assert link[1] not in made.body.decode()
    assert accept(Visitor(mailing), link[1], NEW).status == 200
