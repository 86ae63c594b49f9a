"""Users and members by the API: who may make whom what, and that an organization keeps an owner."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import CONFIRMED_SECONDS
from tests.http_api import ApiWorld, Reply, api_world
from tests.people import PASSWORD, Visitor, a_person, visitor

ON_BOTH_ENGINES = True

ACME = "acme"


def told(reply: Reply) -> tuple[int, str]:
    """Status and code of a problem."""
    return reply.status, reply.json["code"]


def newest(api: ApiWorld, tenant: str = "") -> dict[str, Any]:
    """The newest entry of a log."""
    found: dict[str, Any] = api.manage("GET", "/audit?limit=1", tenant=tenant).json["data"][0]
    return found


def test_an_operator_makes_changes_and_removes_users(api: ApiWorld) -> None:
    newest(api)
    admin = visitor(api, admin=True)
    wanted = {"email": "Grace@People.test", "first_name": "Grace", "password": PASSWORD}
    made = admin.ask("POST", "/users", wanted)
    assert (made.status, made.json["email"]) == (201, "grace@people.test")
    assert made.headers["location"].endswith(f"/users/{made.json['id']}")
    assert {"password", "recovery"}.isdisjoint(made.json)
    entry = newest(api)
    assert (entry["action"], entry["actor"]["name"]) == ("user.create", admin.user.email)
    assert entry["object"]["name"] == "grace@people.test"
    assert entry["after"]["password"] == "***"
    for text in (wanted["email"].upper(), wanted["email"].partition("@")[0]):
        found = admin.ask("GET", f"/users?q={text}").json["data"]
        assert [one["id"] for one in found] == [made.json["id"]], text
    assert admin.ask("GET", "/users?q=nobody").json["data"] == []
    assert admin.ask("GET", f"/users?q={'a' * 501}").status == 422

    taken = admin.ask("POST", "/users", wanted)
    assert told(taken) == (409, "conflict")
    assert taken.json["errors"][0] | {"detail": ""} == {
        "pointer": "/email",
        "code": "taken",
        "detail": "",
    }

    grace, at = Visitor(api), f"/users/{made.json['id']}"
    assert grace.sign_in("grace@people.test").status == 201
    assert admin.ask("PATCH", at, {"last_name": "Hopper"}).json["last_name"] == "Hopper"
    assert grace.ask("GET", "/session").status == 200
    assert admin.ask("PATCH", at, {"admin": True}).status == 200
    assert grace.ask("GET", "/session").status == 401
    assert grace.sign_in("grace@people.test").status == 201
    assert admin.ask("DELETE", f"{at}/sessions").status == 204
    assert grace.ask("GET", "/session").status == 401
    assert admin.ask("DELETE", f"/users/{admin.user.id}").status == 409
    for nobody in (False, None):
        assert admin.ask("PATCH", f"/users/{admin.user.id}", {"admin": nobody}).status == 409
    assert admin.ask("GET", "/users").status == 200, "they are an operator still"
    assert admin.ask("DELETE", at).status == 204
    assert admin.ask("GET", at).status == 404
    assert grace.sign_in("grace@people.test").status == 401


@pytest.mark.parametrize(
    ("value", "pointer", "code"),
    [
        ({}, "/email", "missing"),
        ({"email": "nobody"}, "/email", "invalid"),
        ({"email": "a@b.test\r\nBcc: c@d.test"}, "/email", "invalid"),
        ({"email": "x" * 300 + "@b.test"}, "/email", "invalid"),
        ({"email": "a@b.test", "password": "short"}, "/password", "password_weak"),
        ({"email": "a@b.test", "password": "basketball"}, "/password", "password_weak"),
        ({"email": "a@b.test", "first_name": "x" * 101}, "/first_name", "string_too_long"),
        ({"email": "a@b.test", "first_name": "a\x00b"}, "/first_name", "line"),
        ({"email": "a@b.test", "time_zone": "Mars/Base"}, "/time_zone", "invalid"),
        ({"email": "a@b.test", "admin": "yes"}, "/admin", "bool_type"),
        ({"email": "a@b.test", "totp": True}, "/totp", "extra_forbidden"),
    ],
)
def test_a_wrong_field_of_a_user_is_named(
    api: ApiWorld, value: dict[str, Any], pointer: str, code: str
) -> None:
    reply = api.manage("POST", "/users", {"password": PASSWORD} | value)
    assert reply.status == 422
    assert (pointer, code) in {(one["pointer"], one["code"]) for one in reply.json["errors"]}
    assert api.manage("GET", "/users").json["data"] == []


def test_who_operates_no_installation_sees_no_users(api: ApiWorld) -> None:
    owner = visitor(api, Role.OWNER)
    for method, path in (("GET", "/users"), ("POST", "/users"), ("GET", f"/users/{owner.user.id}")):
        value = {"email": "a@b.test", "password": PASSWORD} if method == "POST" else None
        reply = owner.ask(method, path, value)
        assert told(reply) == (403, "scope_missing")
        assert reply.json["scope"].startswith("installation:")


def test_a_key_with_some_of_the_installation_proves_nobody(api: ApiWorld) -> None:
    scopes = ["installation:write"]
    key = api.manage("POST", "/keys", {"name": "k", "scopes": scopes}).json["key"]
    user = bootstrap.run(a_person(api.scene.posthorn))
    at = f"/users/{user.id}"
    assert api.manage("PATCH", at, {"last_name": "X"}, key=key).status == 200
    for change in ({"email": "x@b.test"}, {"password": PASSWORD}, {"admin": True}):
        reply = api.manage("PATCH", at, change, key=key)
        assert (told(reply), reply.json["scope"]) == ((403, "scope_missing"), "*")
    assert api.manage("POST", "/users", {"email": "x@b.test"}, key=key).status == 403


def test_making_somebody_an_operator_needs_a_confirmation(api: ApiWorld) -> None:
    admin, user = visitor(api, admin=True), bootstrap.run(a_person(api.scene.posthorn))
    api.scene.clock.advance(CONFIRMED_SECONDS)
    at = f"/users/{user.id}"
    assert admin.ask("PATCH", at, {"first_name": "A"}).status == 200
    for change in ({"admin": True}, {"password": "another long password"}):
        assert told(admin.ask("PATCH", at, change)) == (403, "confirmation_needed")
    for what in (at, f"{at}/factors"):
        assert told(admin.ask("DELETE", what)) == (403, "confirmation_needed")


def test_members_are_listed_with_who_they_are(api: ApiWorld) -> None:
    owner = visitor(api, Role.OWNER, first_name="Ada", last_name="Lovelace")
    viewer = visitor(api, Role.VIEWER, servers=(api.scene.server.id,))
    found = {one["user"]: one for one in owner.ask("GET", "/members", tenant=ACME).json["data"]}
    shown = found[owner.user.id]
    assert (shown["name"], shown["role"], shown["read_content"]) == ("Ada Lovelace", "owner", True)
    shown = found[viewer.user.id]
    assert (shown["servers"], shown["read_content"]) == ([api.scene.server.permalink], False)
    assert shown["second_factor"] is False
    assert viewer.ask("GET", "/members", tenant=ACME).status == 200
    assert told(visitor(api).ask("GET", "/members", tenant=ACME)) == (404, "not_found")


def test_nobody_makes_anybody_more_than_they_are(api: ApiWorld) -> None:
    admin, member = visitor(api, Role.ADMIN), visitor(api, Role.MEMBER)
    owner, viewer = visitor(api, Role.OWNER), visitor(api, Role.VIEWER)

    def change(who: Visitor, whom: Visitor, role: str) -> Reply:
        return who.ask("PATCH", f"/members/{whom.user.id}", {"role": role}, ACME)

    assert change(admin, viewer, "admin").status == 200
    assert change(admin, viewer, "member").status == 200
    for reply in (
        change(admin, admin, "owner"),
        change(admin, viewer, "owner"),
        change(admin, owner, "viewer"),
        admin.ask("DELETE", f"/members/{owner.user.id}", tenant=ACME),
    ):
        assert (told(reply), reply.json["scope"]) == ((403, "scope_missing"), "owner")
    assert change(member, viewer, "viewer").json["scope"] == "people:write"
    assert change(owner, viewer, "owner").status == 200
    assert change(owner, viewer, "viewer").status == 200


def test_who_is_limited_to_a_server_changes_no_member(api: ApiWorld) -> None:
    limited = visitor(api, Role.ADMIN, servers=(api.scene.server.id,))
    viewer = visitor(api, Role.VIEWER)
    at = f"/members/{viewer.user.id}"
    for reply in (
        limited.ask("PATCH", at, {"role": "member"}, ACME),
        limited.ask("DELETE", at, tenant=ACME),
    ):
        assert told(reply) == (403, "refused")
    assert limited.ask("DELETE", f"/members/{limited.user.id}", tenant=ACME).status == 204


def test_the_last_owner_stays_one(api: ApiWorld) -> None:
    owner, other = visitor(api, Role.OWNER), visitor(api, Role.ADMIN)
    at = f"/members/{owner.user.id}"
    for reply in (
        owner.ask("PATCH", at, {"role": "admin"}, ACME),
        owner.ask("DELETE", at, tenant=ACME),
        api.manage("DELETE", f"/users/{owner.user.id}"),
    ):
        assert told(reply) == (409, "conflict")
    made = owner.ask("PATCH", f"/members/{other.user.id}", {"role": "owner"}, ACME)
    assert made.status == 200
    assert owner.ask("DELETE", at, tenant=ACME).status == 204
    assert told(owner.ask("GET", "/members", tenant=ACME)) == (404, "not_found")


def test_anybody_leaves_and_nobody_without_the_right_sends_others_away(api: ApiWorld) -> None:
    viewer, other = visitor(api, Role.VIEWER), visitor(api, Role.VIEWER)
    sent = viewer.ask("DELETE", f"/members/{other.user.id}", tenant=ACME)
    assert (told(sent), sent.json["scope"]) == ((403, "scope_missing"), "people:write")
    assert viewer.ask("DELETE", f"/members/{viewer.user.id}", tenant=ACME).status == 204
    entry = newest(api, ACME)
    assert (entry["action"], entry["object"]["name"]) == ("member.delete", viewer.user.email)


def test_an_operator_adds_members_and_others_invite(api: ApiWorld) -> None:
    user = bootstrap.run(a_person(api.scene.posthorn))
    wanted = {"email": user.email, "role": "member", "servers": [api.scene.server.permalink]}
    owner = visitor(api, Role.OWNER)
    assert owner.ask("POST", "/members", wanted, ACME).json["scope"] == "installation:write"
    admin = visitor(api, admin=True)
    assert admin.ask("POST", "/members", wanted, ACME).status == 201
    assert told(admin.ask("POST", "/members", wanted, ACME)) == (409, "conflict")
    for value, pointer in (
        ({"email": "nobody@people.test"}, "/email"),
        ({"servers": ["unknown"]}, "/servers/0"),
    ):
        reply = admin.ask("POST", "/members", wanted | value, ACME)
        error = reply.json["errors"][0]
        assert (reply.status, error["pointer"], error["code"]) == (
            422,
            pointer,
            "unknown_reference",
        )


def test_strong_roles_are_given_after_a_confirmation(api: ApiWorld) -> None:
    owner, viewer = visitor(api, Role.OWNER), visitor(api, Role.VIEWER)
    api.scene.clock.advance(CONFIRMED_SECONDS)
    at = f"/members/{viewer.user.id}"
    assert owner.ask("PATCH", at, {"role": "member"}, ACME).status == 200
    for role in ("admin", "owner"):
        reply = owner.ask("PATCH", at, {"role": role}, ACME)
        assert told(reply) == (403, "confirmation_needed")
        invited = owner.ask("POST", "/invitations", {"email": "a@b.test", "role": role}, ACME)
        assert told(invited) == (403, "confirmation_needed")


def test_an_organization_that_requires_a_second_factor_lets_nobody_in_without(
    api: ApiWorld,
) -> None:
    owner, at = visitor(api, Role.OWNER, passkeys=0), f"/organizations/{ACME}"
    admin = visitor(api, Role.ADMIN)
    refused = admin.ask("PATCH", at, {"require_second_factor": True})
    assert (told(refused), refused.json["scope"]) == ((403, "scope_missing"), "owner")
    changed = owner.ask("PATCH", at, {"require_second_factor": True})
    assert (changed.status, changed.json["require_second_factor"]) == (200, True)
    for who, method, path, tenant in (
        (owner, "GET", "/members", ACME),
        (admin, "GET", "/emails", api.scene.server.full_name),
        (owner, "GET", at, ""),
    ):
        assert told(who.ask(method, path, tenant=tenant)) == (403, "second_factor_missing")
    wanted = {"organization": ACME, "name": "Another"}
    assert told(owner.ask("POST", "/servers", wanted)) == (403, "second_factor_missing")
    assert owner.ask("GET", "/session").status == 200
    assert api.manage("GET", "/members", tenant=ACME).status == 200


def test_an_owner_deletes_their_organization_and_no_admin_does(api: ApiWorld) -> None:
    owner, admin = visitor(api, Role.OWNER), visitor(api, Role.ADMIN)
    at = f"/organizations/{ACME}?confirm={ACME}"
    refused = admin.ask("DELETE", at)
    assert (told(refused), refused.json["scope"]) == ((403, "scope_missing"), "owner")
    api.scene.clock.advance(CONFIRMED_SECONDS)
    assert told(owner.ask("DELETE", at)) == (403, "confirmation_needed")
    owner.ask("POST", "/session/confirm", {"password": PASSWORD})
    assert owner.ask("DELETE", at).status == 204
    assert owner.ask("GET", "/session").json["memberships"] == []
    assert owner.ask("GET", "/organizations").json["data"] == []


def test_who_makes_an_organization_owns_it(api: ApiWorld) -> None:
    admin = visitor(api, admin=True)
    assert admin.ask("POST", "/organizations", {"name": "Mine"}).status == 201
    (own,) = admin.ask("GET", "/session").json["memberships"]
    assert (own["organization"], own["role"]) == ("mine", "owner")
    owner = visitor(api, Role.OWNER)
    assert owner.ask("POST", "/organizations", {"name": "Not"}).json["scope"] == (
        "installation:write"
    )


def test_the_look_of_an_operator_into_a_foreign_organization_is_entered_once_an_hour(
    api: ApiWorld,
) -> None:
    admin, member = visitor(api, admin=True), visitor(api, Role.OWNER, admin=True)
    for _ in range(3):
        assert admin.ask("GET", "/members", tenant=ACME).status == 200
        member.ask("GET", "/members", tenant=ACME)

    def visits() -> list[Any]:
        found = api.manage("GET", "/audit?action=organization.visit", tenant=ACME)
        return list(found.json["data"])

    (entry,) = visits()
    assert entry["actor"]["name"] == admin.user.email
    assert (entry["before"], entry["after"], entry["tenant"]) == (None, None, ACME)
    api.scene.clock.advance(3_600)
    admin.ask("GET", "/emails", tenant=api.scene.server.full_name)
    assert len(visits()) == 2


def test_people_make_servers_where_they_may(api: ApiWorld) -> None:
    admin, member = visitor(api, Role.ADMIN), visitor(api, Role.MEMBER)
    api.manage("POST", "/organizations", {"name": "Foreign"})
    wanted = {"organization": ACME, "name": "Second"}
    assert admin.ask("POST", "/servers", wanted).status == 201
    assert member.ask("POST", "/servers", wanted | {"name": "x"}).json["scope"] == "servers:write"
    foreign = admin.ask("POST", "/servers", wanted | {"organization": "foreign"})
    assert foreign.json["errors"][0]["code"] == "unknown_reference"
    limited = visitor(api, Role.ADMIN, servers=(api.scene.server.id,))
    assert told(limited.ask("POST", "/servers", wanted | {"name": "y"})) == (403, "refused")
    assert [one["name"] for one in limited.ask("GET", "/servers").json["data"]] == [
        api.scene.server.name
    ]


def test_a_user_without_a_password_is_mailed_a_link_or_not_made(api: ApiWorld) -> None:
    reply = api.manage("POST", "/users", {"email": "grace@people.test"})
    assert told(reply) == (503, "temporary_failure")
    assert api.manage("GET", "/users").json["data"] == []
    settings = Settings(system_server="acme/app", system_from="posthorn@acme.test")
    with api_world(settings) as mailing:
        made = mailing.manage("POST", "/users", {"email": "grace@people.test"})
        assert made.status == 201
        (mail,) = mailing.v2("GET", "/emails?to=grace@people.test").json["data"]
        assert b"/login/reset/" in mailing.content(mail["id"])
