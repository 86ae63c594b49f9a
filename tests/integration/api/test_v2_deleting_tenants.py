"""Deleting organizations and servers through the API: named twice, by whoever may, gone at once."""

from __future__ import annotations

from chalicelib import bootstrap
from chalicelib.adapters.scripted.time import ControlledClock
from functions.upkeep import keep_up
from tests.http_api import ApiWorld, Reply
from tests.integration.api.test_v2_management import a_key, entries_of, refused


def upkept(api: ApiWorld, seconds: float) -> None:
    """Let time pass, and the hourly work be done."""
    api.scene.posthorn[ControlledClock].advance(seconds)
    bootstrap.run(keep_up(api.scene.posthorn, {}))


def sent(api: ApiWorld) -> Reply:
    mail = {"from": "app@acme.test", "to": "x@example.com", "subject": "x", "text": "x"}
    return api.v2("POST", "/emails", mail)


def test_a_server_is_deleted_by_its_permalink(api: ApiWorld) -> None:
    at = "/servers/acme/app"
    for query in ("", "?confirm=", "?confirm=acme/app", "?confirm=App"):
        assert refused(api.manage("DELETE", at + query)) == (422, "confirmation_required")
    assert refused(api.manage("DELETE", f"{at}?confirmed=app")) == (422, "invalid_request")
    assert sent(api).status == 202
    done = api.manage("DELETE", f"{at}?confirm=app")
    assert (done.status, done.body) == (204, b"")
    assert refused(sent(api)) == (401, "unauthenticated")
    for reply in (
        api.manage("GET", at),
        api.manage("DELETE", f"{at}?confirm=app"),
        api.manage("GET", "/credentials", tenant="acme/app"),
    ):
        assert refused(reply) == (404, "not_found")
    assert api.manage("GET", "/servers").json["data"] == []
    newest = entries_of(api, "acme", api.installation_key)[0]
    assert (newest["action"], newest["object"]["id"]) == ("server.delete", "acme/app")
    assert newest["after"] is None


def test_its_permalink_is_free_within_a_day(api: ApiWorld) -> None:
    assert sent(api).status == 202
    api.manage("DELETE", "/servers/acme/app?confirm=app")
    again = {"organization": "acme", "name": "App", "permalink": "app"}
    reply = api.manage("POST", "/servers", again)
    assert refused(reply) == (409, "conflict")
    assert reply.json["errors"][0]["pointer"] == "/permalink"
    upkept(api, 86_400)
    made = api.manage("POST", "/servers", again)
    assert made.status == 201
    assert made.json["id"] > api.scene.server.id


def test_a_key_of_some_servers_deletes_those(api: ApiWorld) -> None:
    api.manage("POST", "/servers", {"organization": "acme", "name": "Second"})
    own = a_key(api, "servers:write", servers=["second"])
    assert api.manage("DELETE", "/servers/acme/app?confirm=app", key=own).status == 404
    assert api.manage("DELETE", "/servers/acme/second?confirm=second", key=own).status == 204
    reading = a_key(api, "servers:read")
    reply = api.manage("DELETE", "/servers/acme/app", key=reading)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "servers:write")


def test_an_organization_is_deleted_by_the_installation(api: ApiWorld) -> None:
    own = a_key(api, "*")
    reply = api.manage("DELETE", "/organizations/acme?confirm=acme", key=own)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "owner")
    assert refused(api.manage("DELETE", "/organizations/acme")) == (422, "confirmation_required")
    assert api.manage("DELETE", "/organizations/acme?confirm=acme").status == 204
    assert refused(api.manage("GET", "/organizations/acme")) == (404, "not_found")
    assert refused(api.manage("GET", "/servers", key=own)) == (401, "unauthenticated")
    assert refused(sent(api)) == (401, "unauthenticated")
    again = {"name": "Acme", "permalink": "acme"}
    assert refused(api.manage("POST", "/organizations", again)) == (409, "conflict")
    assert api.manage("POST", "/organizations", {"name": "Acme"}).json["permalink"] == "acme-2"
    log = api.manage("GET", "/audit").json["data"]
    assert ("organization.delete", "acme") in [(one["action"], one["object"]["id"]) for one in log]
    upkept(api, 86_400)
    assert api.manage("POST", "/organizations", again).status == 201
