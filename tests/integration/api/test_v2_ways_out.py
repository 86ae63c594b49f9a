"""Pools and sources through the API: for operators, with passwords that nobody reads again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tenancy.listings import Listing, with_listings
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.repository import Repository
from tests.http_api import ApiWorld
from tests.integration.api.test_v2_management import a_key, places, refused

SMARTHOST = {"name": "relay", "kind": "smarthost", "host": "smtp.example.com", "username": "u"}


def test_a_source_is_added_changed_suspended_and_removed(api: ApiWorld) -> None:
    made = api.manage("POST", "/sources", SMARTHOST | {"password": "secret-word"})
    assert made.headers["location"] == "/api/v2/sources/relay"
    assert (made.json["port"], made.json["has_password"], made.json["address"]) == (587, True, None)
    at = "/sources/relay"
    changed = api.manage("PATCH", at, {"priority": 7, "ehlo": "mx.acme.test"}).json
    assert changed == {**made.json, "priority": 7, "ehlo": "mx.acme.test"}
    assert api.manage("PATCH", at, {"ehlo": None}).json["ehlo"] is None
    until = api.manage("POST", f"{at}/suspend", {"seconds": 60}).json["suspended_until"]
    assert until is not None
    api.scene.clock.advance(61)
    assert api.manage("GET", at).json["suspended_until"] is None, "it is over"
    assert api.manage("POST", f"{at}/suspend").json["suspended_until"] > until
    assert api.manage("POST", f"{at}/resume").json["suspended_until"] is None
    (pool,) = [one for one in api.manage("GET", "/pools").json["data"] if one["name"] == "default"]
    assert "relay" in [one["name"] for one in pool["sources"]]
    assert pool["servers"] == ["acme/app"]
    assert api.manage("DELETE", at).status == 204
    assert refused(api.manage("GET", at)) == (404, "not_found")
    log = json.dumps(api.manage("GET", "/audit").json)
    assert "source.suspend" in log
    assert "secret-word" not in log


def test_a_family_that_is_not_used_is_told_with_its_reason(api: ApiWorld) -> None:
    reason = "2001:db8::7 has no reverse name."
    source = EgressSource("out", address="192.0.2.7", address6="2001:db8::7", unused6=reason)
    bootstrap.run(api.scene.posthorn[Repository].add(SOURCES, source))
    at = "/sources/out"
    shown = api.manage("GET", at).json
    assert (shown["unused4"], shown["unused6"]) == (None, reason)
    assert api.manage("PATCH", at, {"priority": 7}).json["unused6"] == reason
    wrong = api.manage("PATCH", at, {"unused6": "nothing"})
    assert [one["pointer"] for one in wrong.json["errors"]] == ["/unused6"]
    assert api.manage("PATCH", at, {"address6": None}).json["unused6"] is None


def test_a_listing_is_told_and_its_suspension_ends_by_hand(api: ApiWorld) -> None:
    found = (
        Listing("bl.test", "192.0.2.7", "Spam", 1_800_000_000),
        Listing("other.test", "192.0.2.7"),
    )
    source = with_listings(EgressSource("out", address="192.0.2.7"), found)
    source = replace(source, suspended_for="Listed by bl.test")
    bootstrap.run(api.scene.posthorn[Repository].add(SOURCES, source))
    at = "/sources/out"
    shown = api.manage("GET", at).json
    assert (shown["suspension_reason"], shown["suspended_until"]) == ("Listed by bl.test", None)
    assert shown["listings"] == [
        {
            "list": "bl.test",
            "address": "192.0.2.7",
            "text": "Spam",
            "since": "2027-01-15T08:00:00.000Z",
            "resumed": False,
        },
        {
            "list": "other.test",
            "address": "192.0.2.7",
            "text": None,
            "since": "1970-01-01T00:00:00.000Z",
            "resumed": False,
        },
    ]
    wrong = api.manage("PATCH", at, {"suspension_reason": "nothing", "listings": []})
    assert len(wrong.json["errors"]) == 2
    resumed = api.manage("POST", f"{at}/resume").json
    assert resumed["suspension_reason"] is None
    assert [one["resumed"] for one in resumed["listings"]] == [True, True]
    assert api.manage("PATCH", at, {"address": "192.0.2.8"}).json["listings"] == []


def test_lists_are_by_name_and_narrowed(api: ApiWorld) -> None:
    for name in ("b", "c", "a"):
        api.manage("POST", "/sources", {"name": name, "kind": "direct"})
    first = api.manage("GET", "/sources?limit=2").json
    rest = api.manage("GET", f"/sources?cursor={first['next_cursor']}").json
    assert [one["name"] for one in [*first["data"], *rest["data"]]] == [
        "a",
        "b",
        "c",
        "default",
    ]
    assert api.manage("GET", "/sources?pool=none").json["data"] == []


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "smarthost", "host": ""}, "/host"),
        ({"port": 70_000}, "/port"),
        ({"priority": -1}, "/priority"),
        ({"tls": "maybe"}, "/tls"),
        ({"name": "Not A Name"}, "/name"),
        ({"sealed_password": "x"}, "/sealed_password"),
    ],
)
def test_wrong_fields_are_named(api: ApiWorld, fields: dict[str, Any], place: str) -> None:
    reply = api.manage("POST", "/sources", SMARTHOST | {"password": "p"} | fields)
    assert (reply.status, [where for where, _ in places(reply)]) == (422, [place]), reply


def test_a_taken_name_is_a_conflict_and_tenants_have_no_way_here(api: ApiWorld) -> None:
    api.manage("POST", "/sources", {"name": "one", "kind": "direct"})
    again = api.manage("POST", "/sources", {"name": "one", "kind": "direct"})
    assert (*refused(again), *places(again)) == (409, "conflict", ("/name", "taken"))
    own = a_key(api, "*")
    for path in ("/pools", "/sources", "/sources/one", "/sources/none"):
        reply = api.manage("GET", path, key=own)
        assert (*refused(reply), reply.json["scope"]) == (
            403,
            "scope_missing",
            "installation:read",
        )
