"""Pools through the API: who may use which, rules that send mail by another, and sources that change without loss."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from chalicelib.services.pools.sources import Sources
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, entries_of, places, refused


@pytest.fixture(autouse=True)
def pools(api: ApiWorld) -> None:
    for pool in ("bulk", "quiet"):
        way = EgressSource(f"out-{pool}", pool)
        bootstrap.run(api.scene.posthorn[Repository].add(SOURCES, way))


def pool(api: ApiWorld, name: str) -> Any:
    (found,) = [one for one in api.manage("GET", "/pools").json["data"] if one["name"] == name]
    return found


def test_an_organization_has_the_default_pool_until_it_is_given_others(api: ApiWorld) -> None:
    at = "/organizations/acme"
    assert api.manage("GET", at).json["pools"] == ["default"]
    wanted = {"organization": "acme", "name": "Bulk", "pool": "bulk"}
    assert places(api.manage("POST", "/servers", wanted)) == [("/pool", "unknown_reference")]
    changed = api.manage("PATCH", at, {"pools": ["quiet", "default", "quiet"]})
    assert changed.json["pools"] == ["quiet", "default"]
    assert places(api.manage("POST", "/servers", wanted)) == [("/pool", "unknown_reference")]
    api.manage("PATCH", at, {"pools": ["bulk", "default"]})
    assert api.manage("POST", "/servers", wanted).json["pool"] == "bulk"


def test_a_pool_in_use_is_not_taken_away(api: ApiWorld) -> None:
    at = "/organizations/acme"
    assert refused(api.manage("PATCH", at, {"pools": ["bulk"]})) == (409, "conflict")
    assert api.manage("PATCH", at, {"pools": ["default", "bulk"]}).status == 200
    made = api.manage("POST", "/pool-rules", {"to": ["b.test"], "pool": "bulk"}, "acme").json
    reply = api.manage("PATCH", at, {"pools": None})
    assert refused(reply) == (409, "conflict")
    assert made["id"] in reply.json["detail"]
    api.manage("DELETE", f"/pool-rules/{made['id']}", tenant="acme")
    assert api.manage("PATCH", at, {"pools": None}).json["pools"] == ["default"]


def test_the_last_way_out_of_a_pool_in_use_stays(api: ApiWorld) -> None:
    api.manage("PATCH", "/organizations/acme", {"pools": ["default", "bulk"]})
    last = "/sources/out-bulk?pool=bulk"
    reply = api.manage("DELETE", last)
    assert refused(reply) == (409, "conflict")
    assert reply.json["detail"] == "The organization acme has the pool bulk"
    another = {"name": "another", "pool": "bulk", "kind": "direct"}
    assert api.manage("POST", "/sources", another).status == 201
    assert api.manage("DELETE", last).status == 204


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pools", []),
        ("pools", ["nowhere"]),
        ("time_zone", "Vienna"),
        ("time_zone", "../etc/passwd"),
        ("time_zone", "europe/vienna"),
    ],
)
def test_wrong_fields_of_an_organization(api: ApiWorld, field: str, value: Any) -> None:
    for reply in (
        api.manage("PATCH", "/organizations/acme", {field: value}),
        api.manage("POST", "/organizations", {"name": "Other", field: value}),
    ):
        assert reply.status == 422
        assert [place for place, _ in places(reply)] == [f"/{field}"]
    assert len(api.manage("GET", "/organizations").json["data"]) == 1


def test_a_time_zone_is_its_own_people_s_to_choose_and_pools_are_operators(api: ApiWorld) -> None:
    own, at = a_key(api, "people:write"), "/organizations/acme"
    changed = api.manage("PATCH", at, {"time_zone": "America/Argentina/Ushuaia"}, key=own)
    assert changed.json["time_zone"] == "America/Argentina/Ushuaia"
    assert api.manage("PATCH", at, {"time_zone": None}, key=own).json["time_zone"] == "UTC"
    reply = api.manage("PATCH", at, {"pools": ["default"]}, key=own)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "installation:write")
    made = {"name": "Other", "time_zone": "Asia/Tokyo", "pools": ["bulk"]}
    other = api.manage("POST", "/organizations", made).json
    assert (other["time_zone"], other["pools"]) == ("Asia/Tokyo", ["bulk"])
    server = api.manage("POST", "/servers", {"organization": "other", "name": "Mail"}).json
    assert server["pool"] == "bulk"


def test_who_uses_the_default_pool_keeps_it_beside_another(api: ApiWorld) -> None:
    api.manage("PATCH", "/pools/bulk", {"default": True})
    assert api.manage("GET", "/organizations/acme").json["pools"] == ["bulk", "default"]
    assert api.manage("GET", "/servers/acme/app").json["pool"] == "default"
    made = api.manage("POST", "/servers", {"organization": "acme", "name": "New"}).json
    assert made["pool"] == "bulk"
    reply = api.manage("PATCH", "/servers/acme/app", {"pool": None})
    assert reply.json["pool"] == "bulk"


def test_another_default_pool(api: ApiWorld) -> None:
    assert [pool(api, name)["default"] for name in ("bulk", "default")] == [False, True]
    assert api.manage("PATCH", "/pools/bulk", {"default": True}).json["default"] is True
    assert [pool(api, name)["default"] for name in ("bulk", "default")] == [True, False]
    other = api.manage("POST", "/organizations", {"name": "Other"}).json
    assert other["pools"] == ["bulk"]
    assert api.manage("PATCH", "/pools/quiet", {"default": True}).status == 200
    assert api.manage("GET", "/organizations/other").json["pools"] == ["quiet"]
    for value in ({"default": False}, {"default": None}, {"name": "x"}):
        assert api.manage("PATCH", "/pools/bulk", value).status == 422
    assert refused(api.manage("PATCH", "/pools/nowhere", {"default": True})) == (404, "not_found")
    log = [one for one in api.manage("GET", "/audit").json["data"] if "pool" in one["action"]]
    assert {one["action"] for one in log} == {"pool.update"}
    assert {"default": False} in [one["after"] for one in log]


def test_a_pool_for_some_organizations_alone(api: ApiWorld) -> None:
    api.manage("POST", "/organizations", {"name": "Other"})
    limited = api.manage("PATCH", "/pools/bulk", {"organizations": ["acme"]}).json
    assert limited["organizations"] == ["acme"]
    assert api.manage("GET", "/organizations/acme").json["pools"] == ["default", "bulk"]
    reply = api.manage("PATCH", "/organizations/other", {"pools": ["bulk"]})
    assert places(reply) == [("/pools", "invalid")]
    reply = api.manage("POST", "/organizations", {"name": "New", "pools": ["bulk"]})
    assert places(reply) == [("/pools", "invalid")]
    wanted = {"organization": "acme", "name": "Bulk", "pool": "bulk"}
    assert api.manage("POST", "/servers", wanted).status == 201
    taken = api.manage("PATCH", "/pools/bulk", {"organizations": ["other"]})
    assert refused(taken) == (409, "conflict")
    assert pool(api, "bulk")["organizations"] == ["acme"]
    api.manage("PATCH", "/servers/acme/bulk", {"pool": "default"})
    assert api.manage("PATCH", "/pools/bulk", {"organizations": ["other"]}).status == 200
    assert api.manage("GET", "/organizations/acme").json["pools"] == ["default"]
    assert api.manage("GET", "/organizations/other").json["pools"] == ["default", "bulk"]
    opened = api.manage("PATCH", "/pools/bulk", {"organizations": None}).json
    assert opened["organizations"] is None
    assert api.manage("PATCH", "/organizations/acme", {"pools": ["default", "bulk"]}).status == 200
    reply = api.manage("PATCH", "/pools/bulk", {"organizations": ["nobody"]})
    assert places(reply) == [("/organizations", "unknown_reference")]
    alone = api.manage("PATCH", "/pools/default", {"organizations": ["other"]})
    assert refused(alone) == (409, "conflict")


def test_pool_rules_of_a_server_and_of_its_organization(api: ApiWorld) -> None:
    api.manage("PATCH", "/organizations/acme", {"pools": ["default", "bulk"]})
    shared = api.manage("POST", "/pool-rules", {"to": ["c.test"], "pool": "bulk"}, "acme")
    assert shared.status == 201
    assert shared.headers["location"] == f"/api/v2/pool-rules/{shared.json['id']}"
    own = api.manage(
        "POST",
        "/pool-rules",
        {"from": ["News@Acme.test"], "to": ["b.test", "B.test"], "pool": "bulk"},
        "acme/app",
    ).json
    assert own == {
        "id": own["id"],
        "scope": "server",
        "from": ["news@acme.test"],
        "to": ["b.test"],
        "pool": "bulk",
        "created_at": own["created_at"],
    }

    def listed(tenant: str) -> list[str]:
        page = api.manage("GET", "/pool-rules", tenant=tenant).json
        return [one["id"] for one in page["data"]]

    newer = api.manage("POST", "/pool-rules", {"from": ["d.test"], "pool": "bulk"}, "acme/app")
    assert listed("acme/app") == [newer.json["id"], own["id"], shared.json["id"]]
    assert listed("acme") == [shared.json["id"]]
    page = api.manage("GET", "/pool-rules?limit=2", tenant="acme/app").json
    rest = api.manage("GET", f"/pool-rules?cursor={page['next_cursor']}", tenant="acme/app").json
    assert [one["id"] for one in rest["data"]] == [shared.json["id"]]

    at = f"/pool-rules/{own['id']}"
    assert api.manage("GET", at, tenant="acme/app").json == own
    of_all = shared.headers["location"].removeprefix("/api/v2")
    assert api.manage("GET", of_all, tenant="acme").json == shared.json
    for other, tenant in ((at, "acme"), (of_all, "acme/app")):
        assert refused(api.manage("GET", other, tenant=tenant)) == (404, "not_found")
    changed = api.manage("PATCH", at, {"from": None, "pool": "default"}, "acme/app").json
    assert (changed["from"], changed["to"], changed["pool"]) == ([], ["b.test"], "default")
    for tenant in ("acme", "acme/app"):
        elsewhere = api.manage("DELETE", "/pool-rules/nothing", tenant=tenant)
        assert refused(elsewhere) == (404, "not_found")
    of_the_organization = f"/pool-rules/{shared.json['id']}"
    assert api.manage("DELETE", of_the_organization, tenant="acme/app").status == 404
    assert api.manage("DELETE", at, tenant="acme/app").status == 204
    assert listed("acme/app") == [newer.json["id"], shared.json["id"]]
    newest = entries_of(api, "acme", api.installation_key)[0]
    assert (newest["action"], newest["tenant"]) == ("pool_rule.delete", "acme/app")
    assert newest["before"] == {"from": [], "to": ["b.test"], "pool": "default"}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"pool": "default"}, "/from"),
        ({"pool": "default", "from": [], "to": []}, "/from"),
        ({"to": ["b.test"]}, "/pool"),
        ({"to": ["b.test"], "pool": "bulk"}, "/pool"),
        ({"to": ["b.test", "not a domain"], "pool": "default"}, "/to/1"),
        ({"from": ["@b.test"], "pool": "default"}, "/from/0"),
        ({"to": ["b.test"] * 101, "pool": "default"}, "/to"),
        ({"to": ["b.test"], "pool": "default", "scope": "server"}, "/scope"),
    ],
)
def test_wrong_pool_rules(api: ApiWorld, value: dict[str, Any], place: str) -> None:
    reply = api.manage("POST", "/pool-rules", value, "acme/app")
    assert reply.status == 422
    assert [where for where, _ in places(reply)] == [place]


def test_a_hundred_rules_and_no_more(api: ApiWorld) -> None:
    wanted = {"to": ["b.test"], "pool": "default"}
    for _ in range(100):
        assert api.manage("POST", "/pool-rules", wanted, "acme/app").status == 201
    assert refused(api.manage("POST", "/pool-rules", wanted, "acme/app")) == (409, "conflict")
    assert api.manage("POST", "/pool-rules", wanted, "acme").status == 201


def test_a_rule_is_emptied_by_nobody(api: ApiWorld) -> None:
    made = api.manage("POST", "/pool-rules", {"to": ["b.test"], "pool": "default"}, "acme").json
    reply = api.manage("PATCH", f"/pool-rules/{made['id']}", {"to": []}, "acme")
    assert places(reply) == [("/from", "required")]


def test_who_may_change_rules(api: ApiWorld) -> None:
    wanted = {"to": ["b.test"], "pool": "default"}
    reading = a_key(api, "servers:read")
    assert api.manage("GET", "/pool-rules", tenant="acme", key=reading).status == 200
    reply = api.manage("POST", "/pool-rules", wanted, "acme", key=reading)
    assert refused(reply) == (403, "scope_missing")
    limited = a_key(api, "servers:write", servers=["app"])
    assert refused(api.manage("POST", "/pool-rules", wanted, "acme", key=limited)) == (
        403,
        "refused",
    )
    assert api.manage("POST", "/pool-rules", wanted, "acme/app", key=limited).status == 201


def test_a_server_s_name_is_its_own_in_the_organization(api: ApiWorld) -> None:
    reply = api.manage("POST", "/servers", {"organization": "acme", "name": " aPP "})
    assert (refused(reply), places(reply)) == ((409, "conflict"), [("/name", "taken")])
    made = api.manage("POST", "/servers", {"organization": "acme", "name": "Second"}).json
    at = f"/servers/{made['server']}"
    assert places(api.manage("PATCH", at, {"name": "App"})) == [("/name", "taken")]
    assert api.manage("PATCH", at, {"name": "SECOND"}).json["name"] == "SECOND"
    api.manage("POST", "/organizations", {"name": "Other"})
    assert api.manage("POST", "/servers", {"organization": "other", "name": "App"}).status == 201


def test_a_password_goes_to_no_other_host(api: ApiWorld) -> None:
    at = "/sources/relay?pool=bulk"
    way = {"name": "relay", "pool": "bulk", "kind": "smarthost", "host": "smtp.acme.com"}
    api.manage("POST", "/sources", way | {"username": "u", "password": "p"})
    assert places(api.manage("PATCH", at, {"host": "evil.example"})) == [("/password", "invalid")]
    assert api.manage("PATCH", at, {"host": "smtp.acme.com", "priority": 7}).status == 200
    moved = api.manage("PATCH", at, {"host": "smtp2.acme.com", "password": "q"}).json
    assert (moved["host"], moved["has_password"]) == ("smtp2.acme.com", True)


def test_a_password_is_cleared_by_null(api: ApiWorld) -> None:
    way = {"name": "far", "kind": "smarthost", "host": "smtp.example.com"}
    api.manage("POST", "/sources", way | {"username": "u", "password": "p"})
    at = "/sources/far"
    assert api.manage("PATCH", at, {"priority": 5}).json["has_password"] is True
    reply = api.manage("PATCH", at, {"username": "u", "password": None})
    assert places(reply) == [("/password", "invalid")]
    cleared = api.manage("PATCH", at, {"password": None}).json
    assert (cleared["has_password"], cleared["username"]) == (False, None)
    assert cleared["priority"] == 5
    again = api.manage("PATCH", at, {"username": "v", "password": "q"}).json
    assert (again["has_password"], again["username"]) == (True, "v")


def test_a_change_of_a_source_loses_nothing_of_another(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was read before: what is changed meanwhile stays."""
    sources = api.scene.posthorn[Sources]
    before = bootstrap.run(sources.find("out-bulk"))
    bootstrap.run(sources.suspend(before, 600))
    changed = bootstrap.run(sources.update(before, {"ehlo": "out1.acme.test"}))
    assert changed.suspended_until > 0
    assert changed.ehlo == "out1.acme.test"
    assert bootstrap.run(sources.find("out-bulk")) == changed
