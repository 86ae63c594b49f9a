"""Every route of API v2, asked by those who do not reach a tenant: they see, change and learn nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.api.v2.route import PREFIX, Route
from chalicelib.api.v2.routes import every_route
from chalicelib.bootstrap import run
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.roles import Role
from tests.filled_tenant import FilledTenant, good_bodies
from tests.http_api import ApiWorld, Reply, api_world
from tests.people import Visitor, a_person, made_member

ROUTES = [route for route in every_route() if not route.is_public]
UNKNOWN = "424242"
# What a person changes of themselves is entered where all people are.
OF_ONESELF = ("session.create", "session.delete", "session.fail", "user.update")


@dataclass
class Apart:
    """A filled tenant, strangers with the tenant that they are of, and what each route answered whom: those with a key,
    and an owner who has signed in."""

    filled: FilledTenant
    bodies: dict[tuple[str, str], Any]
    strangers: dict[str, tuple[str | Visitor, str]]
    answered: dict[str, Reply] = field(default_factory=dict)

    def ask(self, route: Route, at: str, who: str | Visitor, tenant: str) -> Reply:
        """What a route answers to a good request of somebody, in this tenant."""
        path = route.path.removeprefix(PREFIX)
        body = self.bodies.get((route.method, path))
        if isinstance(who, Visitor):
            if who.ask("GET", "/session").status == 401:
                who.enter(who.who)
            return who.ask(route.method, at, body, tenant)
        return self.filled.api.manage(route.method, at, body, tenant, who)

    def state(self) -> list[Any]:
        """What would have changed if anything of the tenant had: the logs of changes, and the messages."""
        api, tenant = self.filled.api, self.filled.tenant
        logs = [
            api.manage("GET", "/audit?limit=100", None, named).json["data"]
            for named in (tenant.partition("/")[0], "")
        ]
        of_others = [[one for one in log if one["action"] not in OF_ONESELF] for log in logs]
        return [*(log[:1] for log in of_others), api.manage("GET", "/emails", None, tenant).json]


def _stranger(api: ApiWorld) -> dict[str, tuple[str | Visitor, str]]:
    organization = api.manage("POST", "/organizations", {"name": "Stranger"}).json["id"]
    api.manage("POST", "/servers", {"organization": "stranger", "name": "Far"})
    made = {"kind": "API", "name": "n", "scopes": ["*"]}
    credential = api.manage("POST", "/credentials", made, "stranger/far")
    key = api.manage("POST", "/keys", {"name": "n", "scopes": ["*"]}, "stranger")
    return {
        "a server key": (credential.json["key"], "stranger/far"),
        "a management key": (key.json["key"], "stranger/far"),
        "a person": (_owner(api, OrganizationId(organization)), "stranger/far"),
    }


def _owner(api: ApiWorld, organization: OrganizationId) -> Visitor:
    """Somebody who owns another organization."""
    user = run(a_person(api.scene.posthorn))
    run(made_member(api.scene.posthorn, user, organization, Role.OWNER))
    return Visitor(api).enter(user)


@pytest.fixture(scope="module")
def apart() -> Iterator[Apart]:
    with api_world() as other:
        bodies = good_bodies(other)
    with api_world() as api:
        filled = FilledTenant(api).fill()
        yield Apart(filled, bodies, _stranger(api))


@pytest.mark.parametrize("who", ["a server key", "a management key", "a person"])
@pytest.mark.parametrize("route", ROUTES, ids=lambda one: one.name)
def test_a_stranger_finds_nothing(apart: Apart, route: Route, who: str) -> None:
    key, own = apart.strangers[who]
    before = apart.state()
    at = apart.filled.path(route)
    reply = apart.ask(route, at, key, apart.filled.tenant)
    if route.of_people and route.tenant == "none":
        _is_oneself(route, reply, who)
    elif route.tenant != "none":
        assert (reply.status, reply.json["code"]) == (404, "not_found")
        if route.tenant != "path":
            _says_nothing_in_own(apart, route, key, own)
    elif route.scope.startswith("installation"):
        assert (reply.status, reply.json["code"]) == (403, "scope_missing")
    else:
        _says_nothing(apart, reply)
    assert apart.state() == before


def _is_oneself(route: Route, reply: Reply, who: str) -> None:
    """Keys are refused; of people, what is another's is not there."""
    if who != "a person":
        assert (reply.status, reply.json["code"]) == (403, "refused")
    elif "{" in route.path:
        assert (reply.status, reply.json["code"]) == (404, "not_found")


def _says_nothing_in_own(apart: Apart, route: Route, key: str | Visitor, own: str) -> None:
    """In a tenant of one's own, what is another's is like what is not there; lists do not have it."""
    path = route.path.removeprefix(PREFIX)
    reply = apart.ask(route, apart.filled.path(route), key, own)
    if "{" not in path:
        _says_nothing(apart, reply)
        return
    unknown = {
        "user": UNKNOWN,
        "id": UNKNOWN,
        "name": "unknown.example",
        "index": "0",
        "address": "no@b.test",
    }
    unknown |= {"delivery": UNKNOWN}
    none = apart.ask(route, path.format(**unknown), key, own)
    assert reply.status in (403, 404)
    for member in ("status", "code", "title"):
        assert reply.json[member] == none.json[member]


def _says_nothing(apart: Apart, reply: Reply) -> None:
    """An answer about the stranger's own things has nothing of the tenant."""
    text = json.dumps(reply.json)
    for things in apart.filled.things.values():
        for name in (each for names in things for each in names.values() if len(each) > 2):
            assert f'"{name}"' not in text, (name, reply)
