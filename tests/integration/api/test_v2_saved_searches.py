"""Saved searches by the API: one's own, the shared ones, and of keys the shared ones alone."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.searches import MOST_SEARCHES
from tests.http_api import ApiWorld, Reply
from tests.people import Visitor, visitor

ON_BOTH_ENGINES = True


def told(reply: Reply) -> tuple[int, str]:
    """Status and code of a problem."""
    return reply.status, reply.json["code"]


def names(who: Visitor, tenant: str) -> list[str]:
    """Of what somebody sees."""
    return [one["name"] for one in who.ask("GET", "/searches", tenant=tenant).json["data"]]


def test_ones_own_are_ones_own_and_shared_ones_everybodys(api: ApiWorld) -> None:
    tenant = api.scene.server.full_name
    member, viewer = visitor(api, Role.MEMBER), visitor(api, Role.VIEWER)
    mine = member.ask("POST", "/searches", {"name": "mine", "q": "tag:x"}, tenant)
    assert (mine.status, mine.json["created_by"]) == (201, member.user.email)
    api.scene.clock.advance(1)
    wanted = {"name": "all", "q": "status:bounced", "direction": "outgoing", "shared": True}
    shared = member.ask("POST", "/searches", wanted, tenant).json["id"]
    refused = viewer.ask("POST", "/searches", wanted, tenant)
    assert (told(refused), refused.json["scope"]) == ((403, "scope_missing"), "emails:write")
    assert names(member, tenant) == ["all", "mine"]
    assert names(viewer, tenant) == ["all"]
    key = api.manage("GET", "/searches", tenant=tenant).json["data"]
    assert [one["name"] for one in key] == ["all"]

    own = f"/searches/{mine.json['id']}"
    assert told(viewer.ask("PATCH", own, {"name": "x"}, tenant)) == (404, "not_found")
    assert told(viewer.ask("DELETE", own, tenant=tenant)) == (404, "not_found")
    assert viewer.ask("DELETE", f"/searches/{shared}", tenant=tenant).status == 403
    changed = member.ask("PATCH", own, {"name": "renamed", "q": None, "direction": None}, tenant)
    assert (changed.json["name"], changed.json["q"]) == ("renamed", "")
    assert member.ask("PATCH", own, {"shared": True}, tenant).json["shared"] is True
    assert set(names(viewer, tenant)) == {"all", "renamed"}
    assert member.ask("DELETE", own, tenant=tenant).status == 204


def test_what_somebody_else_shared_stays_shared(api: ApiWorld) -> None:
    tenant, member = api.scene.server.full_name, visitor(api, Role.MEMBER)
    made = api.manage("POST", "/searches", {"name": "x", "shared": True}, tenant)
    at = f"/searches/{made.json['id']}"
    assert told(member.ask("PATCH", at, {"shared": False}, tenant)) == (403, "refused")
    assert member.ask("PATCH", at, {"name": "y", "shared": True}, tenant).json["name"] == "y"
    own = member.ask("POST", "/searches", {"name": "z", "shared": True}, tenant).json["id"]
    kept = member.ask("PATCH", f"/searches/{own}", {"shared": False}, tenant)
    assert (kept.status, kept.json["shared"]) == (200, False)


def test_a_key_saves_only_what_is_shared(api: ApiWorld) -> None:
    tenant = api.scene.server.full_name
    assert told(api.manage("POST", "/searches", {"name": "x"}, tenant)) == (403, "refused")
    made = api.manage("POST", "/searches", {"name": "x", "shared": True}, tenant)
    at = f"/searches/{made.json['id']}"
    assert told(api.manage("PATCH", at, {"shared": False}, tenant)) == (403, "refused")


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({}, "/name"),
        ({"name": ""}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "a\x00"}, "/name"),
        ({"name": "x", "q": "before:whenever"}, "/q"),
        ({"name": "x", "q": "a" * 1_001}, "/q"),
        ({"name": "x", "direction": "sideways"}, "/direction"),
        ({"name": "x", "shared": "yes"}, "/shared"),
        ({"name": "x", "created_by": "me"}, "/created_by"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_saved(
    api: ApiWorld, value: dict[str, Any], pointer: str
) -> None:
    who, tenant = visitor(api, Role.MEMBER), api.scene.server.full_name
    reply = who.ask("POST", "/searches", value, tenant)
    assert reply.status == 422
    assert pointer in [one["pointer"] for one in reply.json["errors"]]
    assert names(who, tenant) == []


def test_nobody_has_more_than_a_hundred(api: ApiWorld) -> None:
    who, tenant = visitor(api, Role.MEMBER), api.scene.server.full_name
    for number in range(MOST_SEARCHES):
        assert who.ask("POST", "/searches", {"name": str(number)}, tenant).status == 201
    assert told(who.ask("POST", "/searches", {"name": "x"}, tenant)) == (409, "conflict")
    assert visitor(api, Role.MEMBER).ask("POST", "/searches", {"name": "x"}, tenant).status == 201
