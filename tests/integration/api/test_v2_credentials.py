"""Credentials of a server through the API: what they may, from where, until when, and who may make them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.http_api import ApiWorld, Reply
from tests.integration.api.test_v2_management import a_key, places, refused

HERE = "acme/app"
MAIL = {"from": "app@acme.test", "to": "x@example.com", "text": "x"}


def make(api: ApiWorld, key: str | None = None, **fields: Any) -> Any:
    body = {"kind": "API", "name": "n"} | fields
    return api.manage("POST", "/credentials", body, HERE, key)


def test_a_key_is_shown_once_and_works(api: ApiWorld) -> None:
    made = make(api)
    assert made.headers["location"] == f"/api/v2/credentials/{made.json['id']}"
    key = made.json["key"]
    assert made.json["hint"] == key[-4:]
    assert made.json["scopes"] == ["emails:send", "emails:read", "statistics:read"]
    assert api.v2("POST", "/emails", MAIL, key=key).status == 202
    at = f"/credentials/{made.json['id']}"
    shown = api.manage("GET", at, tenant=HERE).json
    assert "key" not in shown
    assert (shown["usage"], shown["last_used_address"]) == ("Active", "127.0.0.1")
    listed = api.manage("GET", "/credentials", tenant=HERE).json["data"]
    assert shown in listed


def test_a_key_without_a_scope_is_refused_by_both_versions(api: ApiWorld) -> None:
    key = make(api, scopes=["emails:read"]).json["key"]
    assert refused(api.v2("POST", "/emails", MAIL, key=key)) == (403, "scope_missing")
    assert api.v2("GET", "/emails", key=key).status == 200
    sent = {"from": "app@acme.test", "to": ["x@example.com"], "plain_body": "x"}
    assert api.v1("send/message", sent, key)["data"]["code"] == "AccessDenied"
    reads = make(api, scopes=["emails:send"]).json["key"]
    assert api.v1("messages/message", {"id": 1}, reads)["data"]["code"] == "AccessDenied"
    assert api.v1("send/message", sent, reads)["status"] == "success"


def test_a_server_key_can_manage_its_server_but_not_more(api: ApiWorld) -> None:
    key = make(api, scopes=["servers:write"]).json["key"]
    assert api.v2("GET", "/servers/acme/app", key=key).status == 200
    assert refused(api.v2("GET", "/servers/acme/other", key=key)) == (404, "not_found")
    for scope in ("people:read", "audit:read", "installation:write"):
        assert places(make(api, scopes=[scope])) == [("/scopes/0", "scope")]
    given = api.v2("POST", "/credentials", {"kind": "API", "name": "n", "scopes": ["*"]}, key=key)
    assert (*refused(given), given.json["scope"]) == (403, "scope_missing", "*")


def test_a_key_ends_and_is_bound_to_networks(api: ApiWorld) -> None:
    made = make(api, networks=["192.0.2.0/24"], expires_at="2100-01-01T00:00:00Z").json
    at, key = f"/credentials/{made['id']}", made["key"]
    assert refused(api.v2("GET", "/emails", key=key)) == (403, "network_refused")
    sent = api.v1("messages/message", {"id": 1}, key)
    assert sent["data"]["code"] == "InvalidServerAPIKey"
    assert api.manage("PATCH", at, {"networks": None}, HERE).json["networks"] == []
    assert api.v2("GET", "/emails", key=key).status == 200
    api.scene.clock.advance(80 * 365 * 86_400)
    assert refused(api.v2("GET", "/emails", key=key)) == (401, "unauthenticated")


def test_a_key_from_elsewhere_is_kept(api: ApiWorld) -> None:
    old = "AbCdEfGhIjKlMnOpQrStUvWx"
    made = make(api, key=None, **{"kind": "SMTP"})
    assert made.status == 201
    kept = api.manage("POST", "/credentials", {"kind": "API", "name": "o", "key": old}, HERE)
    assert kept.json["key"] == old
    assert api.v2("GET", "/emails", key=old).status == 200
    again = api.manage("POST", "/credentials", {"kind": "API", "name": "o", "key": old}, HERE)
    assert (*refused(again), *places(again)) == (409, "conflict", ("/key", "taken"))


def test_a_network_is_for_operators_and_of_one_organization(api: ApiWorld) -> None:
    wanted = {"kind": "SMTP-IP", "name": "net", "network": "192.0.2.0/28"}
    own = a_key(api, "servers:write", "emails:send")
    reply = api.manage("POST", "/credentials", wanted, HERE, own)
    assert (*refused(reply), reply.json["scope"]) == (403, "scope_missing", "installation:write")
    made = api.manage("POST", "/credentials", wanted, HERE)
    assert (made.status, made.json["key"], made.json["hint"]) == (201, None, None)
    api.manage("POST", "/organizations", {"name": "Other"})
    api.manage("POST", "/servers", {"organization": "other", "name": "Mail"})
    for network in ("192.0.2.0/24", "192.0.2.3/32"):
        other = api.manage("POST", "/credentials", wanted | {"network": network}, "other/mail")
        assert refused(other) == (409, "conflict")
    for network in ("10.0.0.0/8", "2001:db8::/32", "x", None):
        wide = api.manage("POST", "/credentials", wanted | {"network": network}, HERE)
        assert [where for where, _ in places(wide)] == ["/network"]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"kind": "SMTP", "scopes": ["emails:send"]}, "/scopes"),
        ({"kind": "SMTP-IP", "networks": ["192.0.2.0/24"]}, "/networks"),
        ({"kind": "FTP"}, "/kind"),
        ({"networks": ["x"]}, "/networks/0"),
        ({"networks": ["192.0.2.0/24"] * 21}, "/networks"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["emails:fly"]}, "/scopes/0"),
        ({"cram": True}, "/cram"),
        ({"network": "192.0.2.1"}, "/network"),
        ({"expires_at": "2000-01-01T00:00:00Z"}, "/expires_at"),
        ({"expires_at": "2100-01-01T00:00:00"}, "/expires_at"),
        ({"key": "short"}, "/key"),
    ],
)
def test_wrong_fields_are_named(api: ApiWorld, fields: dict[str, Any], place: str) -> None:
    reply = api.manage("POST", "/credentials", {"kind": "API", "name": "n"} | fields, HERE)
    assert (reply.status, [where for where, _ in places(reply)]) == (422, [place]), reply


def test_a_key_that_holds_gives_none_that_does_not(api: ApiWorld) -> None:
    holding = make(api, hold=True, scopes=["servers:write", "emails:send"]).json
    free = make(api).json

    def asked(method: str, at: str, value: dict[str, Any]) -> Reply:
        return api.v2(method, at, value, key=holding["key"])

    wanted = {"kind": "API", "name": "n", "scopes": ["emails:send"]}
    assert refused(asked("POST", "/credentials", wanted)) == (403, "refused")
    held = asked("POST", "/credentials", wanted | {"hold": True})
    assert (held.status, held.json["hold"]) == (201, True)
    at = f"/credentials/{held.json['id']}"
    assert refused(asked("PATCH", at, {"hold": False})) == (403, "refused")
    assert asked("PATCH", at, {"name": "other"}).status == 200
    assert asked("PATCH", f"/credentials/{free['id']}", {"hold": True}).status == 200
    assert api.manage("PATCH", at, {"hold": False}, HERE).status == 200


def test_a_credential_of_another_server_is_like_none(api: ApiWorld) -> None:
    made = make(api).json
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    at = f"/credentials/{made['id']}"
    for method in ("GET", "PATCH", "DELETE"):
        body = {} if method == "PATCH" else None
        assert refused(api.manage(method, at, body, "acme/second")) == (404, "not_found")
    assert api.manage("DELETE", at, tenant=HERE).status == 204
    assert refused(api.v2("GET", "/emails", key=made["key"])) == (401, "unauthenticated")
