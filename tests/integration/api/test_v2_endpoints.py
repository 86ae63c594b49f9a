"""Endpoints through the API, on both engines: their fields, what is refused, secrets, and the routes that have them."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.incoming import endpoints as service
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.tenancy.receiver_url import CLOSED
from tests.aws_backend import aws_backend, aws_settings
from tests.http_api import ApiWorld, Reply, api_world
from tests.http_peer import HttpPeer
from tests.integration.api.test_v2_domains import api
from tests.integration.api.test_v2_management import a_key, places, refused

__all__ = ["api", "aws_backend", "aws_settings"]

HERE = "acme/app"
HTTP = {"type": "http", "name": "web", "url": "https://app.example/mail"}
SMTP = {"type": "smtp", "name": "exchange", "hostname": "Mail.Example.", "ssl_mode": "TLS"}
ADDRESS = {"type": "address", "address": "Bob@Example.com"}
NULLS: dict[str, Any] = dict.fromkeys(
    "url format encoding strip_replies include_attachments timeout hostname port ssl_mode username has_password"
    " address".split()
)


@pytest.fixture
def here() -> Iterator[ApiWorld]:
    """One host alone, for what is decided before anything is stored."""
    with api_world() as world:
        yield world


def make(api: ApiWorld, value: dict[str, Any], **more: Any) -> Reply:
    return api.manage("POST", "/endpoints", value | more, HERE)


def made(api: ApiWorld, value: dict[str, Any], **more: Any) -> Any:
    reply = make(api, value, **more)
    assert reply.status == 201, reply
    return reply.json


def change(api: ApiWorld, endpoint: Any, **fields: Any) -> Reply:
    return api.manage("PATCH", f"/endpoints/{endpoint['id']}", fields, HERE)


def stored(api: ApiWorld, endpoint: Any) -> Endpoint:
    place = Place(of_server(api.scene.server.id), endpoint["id"])
    return bootstrap.run(api.scene.posthorn[Repository].get(ENDPOINTS, place))


def opened(api: ApiWorld, endpoint: Any, field: str) -> bytes:
    one = stored(api, endpoint)
    return bootstrap.run(api.scene.posthorn[KeyVault].open(getattr(one, field), one.context))


def of_type(endpoint: Any) -> Any:
    return {name: endpoint[name] for name in NULLS}


def test_an_http_endpoint_is_made_shown_changed_and_deleted(api: ApiWorld) -> None:
    reply = make(api, HTTP)
    fresh = dict(reply.json)
    assert (reply.status, reply.headers["location"]) == (201, f"/api/v2/endpoints/{fresh['id']}")
    secret = fresh.pop("secret")
    assert secret.startswith("whsec_")
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    assert of_type(fresh) == NULLS | {
        "url": "https://app.example/mail",
        "format": "v2",
        "encoding": "BodyAsJSON",
        "strip_replies": False,
        "include_attachments": True,
        "timeout": 5,
    }
    assert {name: one for name, one in fresh.items() if name not in NULLS} == {
        "id": fresh["id"],
        "uuid": fresh["uuid"],
        "type": "http",
        "name": "web",
        "enabled": True,
        "disabled_reason": None,
        "routes": [],
        "created_at": fresh["created_at"],
        "last_used_at": None,
    }
    at = f"/endpoints/{fresh['id']}"
    assert api.manage("GET", at, tenant=HERE).json == fresh
    fields = {"format": "Hash", "encoding": "FormData", "strip_replies": True, "timeout": 60}
    changed = change(api, fresh, **fields, include_attachments=False, name="other")
    assert changed.json == fresh | fields | {"include_attachments": False, "name": "other"}
    nulls = dict.fromkeys((*fields, "include_attachments"))
    assert change(api, fresh, **nulls, name="web").json == fresh
    assert api.manage("DELETE", at, tenant=HERE).status == 204
    assert refused(api.manage("GET", at, tenant=HERE)) == (404, "not_found")


def test_an_smtp_endpoint_has_a_port_by_its_mode_and_a_hidden_password(api: ApiWorld) -> None:
    fresh = made(api, SMTP, username="joe", password="s3cret-word")
    assert fresh["secret"] is None
    assert of_type(fresh) == NULLS | {
        "hostname": "mail.example",
        "port": 465,
        "ssl_mode": "TLS",
        "username": "joe",
        "has_password": True,
    }
    assert opened(api, fresh, "sealed_password") == b"s3cret-word"
    assert "s3cret" not in str(api.manage("GET", "/audit", tenant="acme").json)
    assert change(api, fresh, ssl_mode="STARTTLS").json["port"] == 465
    assert change(api, fresh, port=None).json["port"] == 25
    assert places(change(api, fresh, ssl_mode="Auto")) == [("/ssl_mode", "invalid")]
    plain = change(api, fresh, ssl_mode="None", username=None).json
    assert (plain["username"], plain["has_password"]) == (None, False)
    assert made(api, SMTP, name="two", ssl_mode="None")["port"] == 25
    assert made(api, SMTP, name="three", hostname="[2001:db9::1]")["hostname"] == "2001:db9::1"


def test_an_address_endpoint_is_called_by_its_address(api: ApiWorld) -> None:
    fresh = made(api, ADDRESS)
    assert of_type(fresh) == NULLS | {"address": "bob@example.com"}
    assert fresh["name"] == "bob@example.com"
    assert change(api, fresh, name="Bob").json["name"] == "Bob"
    assert change(api, fresh, name=None).json["name"] == "bob@example.com"
    again = make(api, ADDRESS, name="Other")
    assert (refused(again), places(again)) == ((409, "conflict"), [("/address", "taken")])
    assert b"bob@" not in api.manage("GET", "/audit", tenant="acme").body


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({}, [("/type", "missing")]),
        ({"type": "http"}, [("/name", "missing"), ("/url", "missing")]),
        ({"type": "smtp", "name": "x"}, [("/hostname", "missing")]),
        ({"type": "address"}, [("/address", "missing")]),
        ({"type": "ftp", "name": "x"}, [("/type", "enum")]),
        (HTTP | {"hostname": "a.example"}, [("/hostname", "extra_forbidden")]),
        (ADDRESS | {"timeout": 5}, [("/timeout", "extra_forbidden")]),
        (SMTP | {"format": "v2"}, [("/format", "extra_forbidden")]),
        (HTTP | {"secret": "x"}, [("/secret", "extra_forbidden")]),
        (HTTP | {"routes": []}, [("/routes", "extra_forbidden")]),
        (HTTP | {"name": "x" * 101}, [("/name", "string_too_long")]),
        (HTTP | {"url": "ftp://a.example/"}, [("/url", "invalid")]),
        (HTTP | {"url": "https://a.example/" + "x" * 2_000}, [("/url", "string_too_long")]),
        (HTTP | {"url": "https://***@a.example/"}, [("/url", "invalid")]),
        (HTTP | {"timeout": 4}, [("/timeout", "greater_than_equal")]),
        (HTTP | {"timeout": 61}, [("/timeout", "less_than_equal")]),
        (HTTP | {"encoding": "FormData"}, [("/encoding", "invalid")]),
        (SMTP | {"port": 0}, [("/port", "greater_than_equal")]),
        (SMTP | {"port": 65_536}, [("/port", "less_than_equal")]),
        (SMTP | {"ssl_mode": "tls"}, [("/ssl_mode", "enum")]),
        (HTTP | {"url": "http://4294967297/"}, [("/url", "invalid")]),
        (SMTP | {"hostname": "a..b"}, [("/hostname", "invalid")]),
        (SMTP | {"hostname": "4294967297"}, [("/hostname", "invalid")]),
        (SMTP | {"hostname": "mail.example.0x1."}, [("/hostname", "invalid")]),
        (SMTP | {"ssl_mode": "None", "username": "u"}, [("/username", "invalid")]),
        (SMTP | {"password": "p"}, [("/username", "required")]),
        (SMTP | {"username": "u" * 201}, [("/username", "string_too_long")]),
        (ADDRESS | {"address": "bob"}, [("/address", "invalid")]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(here: ApiWorld, value: Any, where: list[tuple[str, str]]) -> None:
    reply = here.manage("POST", "/endpoints", value, HERE)
    assert (reply.status, places(reply)) == (422, where)


def test_a_change_is_held_to_the_same(api: ApiWorld) -> None:
    web = made(api, HTTP)
    for fields, where in (
        ({"type": "smtp"}, [("/type", "extra_forbidden")]),
        ({"url": None}, [("/url", "required")]),
        ({"name": None}, [("/name", "required")]),
        ({"encoding": "FormData"}, [("/encoding", "invalid")]),
        ({"address": "a@b.example"}, [("/address", "extra_forbidden")]),
        ({"disabled_reason": "x"}, [("/disabled_reason", "extra_forbidden")]),
    ):
        reply = change(api, web, **fields)
        assert (reply.status, places(reply)) == (422, where)
    assert api.manage("PATCH", f"/endpoints/{web['id']}", {}, HERE).status == 200


@pytest.mark.parametrize(
    "host",
    "127.0.0.1 2130706433 0177.0.0.1 0x7f.1 127.1 127.0.0.1. 10.0.0.1 169.254.169.254 [::1] [::ffff:10.0.0.1]"
    " [64:ff9b::a00:1] [fe80::1] \uff11\uff12\uff17.0.0.1 0".split(),
)
def test_a_private_address_is_refused_however_it_is_spelled(here: ApiWorld, host: str) -> None:
    for field, value in (
        ("url", HTTP | {"url": f"http://{host}/"}),
        ("hostname", SMTP | {"hostname": host}),
    ):
        reply = here.manage("POST", "/endpoints", value, HERE)
        assert (reply.status, places(reply)) == (422, [(f"/{field}", "destination_refused")])
        assert CLOSED in reply.json["detail"]
    fine = made(here, HTTP)
    refusal = change(here, fine, url=f"https://{host}:8443/x")
    assert places(refusal) == [("/url", "destination_refused")]


def test_an_operator_may_open_private_addresses() -> None:
    allowed = Settings(allowed_destinations="10.0.0.0/8")
    with api_world(allowed) as api:
        assert make(api, HTTP, url="http://10.1.2.3/").status == 201
        assert make(api, HTTP, url="http://127.0.0.1/", name="x").status == 422
    with api_world(Settings(allow_private_destinations=True)) as api:
        assert make(api, HTTP, url="http://127.0.0.1:8080/").status == 201


def test_user_info_is_sealed_hidden_and_kept(api: ApiWorld) -> None:
    web = made(api, HTTP, url="https://joe:pa%40ss@app.example/in")
    assert web["url"] == "https://***@app.example/in"
    assert opened(api, web, "sealed_user_info") == b"joe:pa%40ss"
    moved = change(api, web, url="https://***@APP.example:443/out?x=1").json
    assert moved["url"] == "https://***@APP.example:443/out?x=1"
    assert opened(api, web, "sealed_user_info") == b"joe:pa%40ss"
    assert change(api, web, url="https://app.example/").json["url"] == "https://app.example/"
    assert stored(api, web).sealed_user_info is None
    assert "joe" not in str(api.manage("GET", "/audit", tenant="acme").json)


@pytest.mark.parametrize(
    "url",
    [
        "https://***@evil.example/in",
        "http://***@app.example/in",
        "http://***@app.example:443/in",
        "https://***@app.example:8443/in",
        "https://***@app.example.evil.example/in",
    ],
)
def test_hidden_user_info_goes_nowhere_else(api: ApiWorld, url: str) -> None:
    web = made(api, HTTP, url="https://joe:secret@app.example/in")
    reply = change(api, web, url=url)
    assert (reply.status, places(reply)) == (422, [("/url", "invalid")])
    assert "scheme, host and port stay the same" in reply.json["errors"][0]["detail"]
    assert stored(api, web).url == "https://app.example/in"
    given = change(api, web, url=url.replace("***", "joe:secret"))
    assert given.json["url"] == url, given
    assert opened(api, web, "sealed_user_info") == b"joe:secret"


def test_a_password_goes_to_no_other_server(api: ApiWorld) -> None:
    server = made(api, SMTP, username="joe", password="s3cret-word")
    for fields in ({"hostname": "evil.example"}, {"hostname": "app.example", "username": "x"}):
        reply = change(api, server, **fields)
        assert (reply.status, places(reply)) == (422, [("/password", "required")])
    assert stored(api, server).hostname == "mail.example"
    assert change(api, server, hostname="MAIL.example.", name="y").status == 200
    assert opened(api, server, "sealed_password") == b"s3cret-word"
    assert change(api, server, hostname="new.example", password="s3cret-word").status == 200
    assert opened(api, server, "sealed_password") == b"s3cret-word"
    assert change(api, server, hostname="b.example", username=None).status == 200
    assert stored(api, server).sealed_password is None


def test_a_secret_is_rotated_and_the_old_one_signs_for_a_day(api: ApiWorld) -> None:
    web = made(api, HTTP)
    at = f"/endpoints/{web['id']}"
    old = opened(api, web, "sealed_secret")
    reply = api.manage("POST", f"{at}/rotate", tenant=HERE)
    assert reply.status == 200
    secret = reply.json["secret"].removeprefix("whsec_")
    assert base64.b64decode(secret) == opened(api, web, "sealed_secret") != old
    assert opened(api, web, "sealed_old_secret") == old
    entry = api.manage("GET", "/audit?limit=1", tenant="acme").json["data"][0]
    assert (entry["action"], entry["before"], entry["after"]) == (
        "endpoint.rotate",
        {"secret": "***"},
        {"secret": "***"},
    )
    other = made(api, ADDRESS)
    at = f"/endpoints/{other['id']}/rotate"
    assert refused(api.manage("POST", at, tenant=HERE)) == (409, "conflict")


def test_one_that_was_disabled_is_enabled_again(api: ApiWorld) -> None:
    web = made(api, HTTP)
    disabled = api.scene.posthorn[Endpoints].disable(stored(api, web), "It answered 410")
    bootstrap.run(disabled)
    at = f"/endpoints/{web['id']}"
    shown = api.manage("GET", at, tenant=HERE).json
    assert (shown["enabled"], shown["disabled_reason"]) == (False, "It answered 410")
    assert stored(api, web).disabled_at == int(api.scene.clock.now())
    enabled = api.manage("POST", f"{at}/enable", tenant=HERE).json
    assert (enabled["enabled"], enabled["disabled_reason"]) == (True, None)
    assert stored(api, web).disabled_at is None
    entries = len(api.manage("GET", "/audit?limit=100", tenant="acme").json["data"])
    assert api.manage("POST", f"{at}/enable", tenant=HERE).json == enabled
    assert len(api.manage("GET", "/audit?limit=100", tenant="acme").json["data"]) == entries
    assert change(api, web, enabled=False).json["enabled"] is False


def test_names_are_unique_in_a_server_and_there_are_only_so_many(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    web = made(api, HTTP)
    again = make(api, HTTP)
    assert (refused(again), places(again)) == ((409, "conflict"), [("/name", "taken")])
    other = made(api, SMTP)
    assert places(change(api, other, name="web")) == [("/name", "taken")]
    assert change(api, web, name="web").status == 200
    monkeypatch.setattr(service, "MOST_OF_A_SERVER", 2)
    full = make(api, ADDRESS)
    assert (refused(full), full.json["detail"]) == (
        (409, "conflict"),
        "A server has at most 2 endpoints",
    )


def test_a_deleted_endpoint_leaves_its_routes_rejecting(api: ApiWorld) -> None:
    first, second = made(api, HTTP), made(api, ADDRESS)
    route = {"domain": "acme.test", "endpoint": first["id"]}
    both = api.manage(
        "POST", "/routes", route | {"name": "a", "additional_endpoints": [second["id"]]}, HERE
    ).json
    alone = api.manage(
        "POST", "/routes", route | {"name": "b", "endpoint": second["id"]}, HERE
    ).json
    at = f"/endpoints/{second['id']}"
    assert sorted(api.manage("GET", at, tenant=HERE).json["routes"]) == sorted(
        [both["id"], alone["id"]]
    )
    assert api.manage("DELETE", at, tenant=HERE).status == 204
    both, alone = (
        api.manage("GET", f"/routes/{one['id']}", tenant=HERE).json for one in (both, alone)
    )
    assert (both["mode"], both["endpoint"], both["additional_endpoints"]) == (
        "Endpoint",
        first["id"],
        [],
    )
    assert (alone["mode"], alone["endpoint"], alone["additional_endpoints"]) == ("Reject", None, [])
    actions = [
        one["action"] for one in api.manage("GET", "/audit?limit=3", tenant="acme").json["data"]
    ]
    assert actions == ["endpoint.delete", "route.update", "route.update"]


def test_lists_are_newest_first_and_keys_need_the_scope(api: ApiWorld) -> None:
    ids = []
    for number in range(3):
        api.scene.clock.advance(1)
        ids.append(made(api, HTTP, name=f"n{number}")["id"])
    first = api.manage("GET", "/endpoints?limit=2", tenant=HERE).json
    assert [one["id"] for one in first["data"]] == ids[:0:-1]
    rest = api.manage("GET", f"/endpoints?limit=2&cursor={first['next_cursor']}", tenant=HERE).json
    assert [one["id"] for one in rest["data"]] == ids[:1]
    reader = a_key(api, "routing:read")
    assert api.manage("GET", "/endpoints", None, HERE, reader).status == 200
    reply = api.manage("POST", "/endpoints", HTTP, HERE, reader)
    assert (refused(reply), reply.json["scope"]) == ((403, "scope_missing"), "routing:write")
    other = a_key(api, "servers:write")
    assert refused(api.manage("GET", "/endpoints", None, HERE, other)) == (403, "scope_missing")


@pytest.fixture
def near() -> Iterator[tuple[ApiWorld, HttpPeer]]:
    """A world whose endpoints may be at home, and a web server there."""
    peer = HttpPeer()
    with api_world(Settings(allow_private_destinations=True)) as world:
        bootstrap.run(peer.__aenter__())
        yield world, peer
        bootstrap.run(peer.__aexit__())


def tried(api: ApiWorld, endpoint: Any) -> Reply:
    return api.manage("POST", f"/endpoints/{endpoint['id']}/test", tenant=HERE)


def assert_as_of_real_mail(data: Any) -> None:
    assert data["email"]["message_id"] == data["message_id"] != ""
    assert data["email"]["spam_status"] == data["spam"]["status"] == "NotSpam"
    assert data["threat"] == {"found": False, "details": "No threats found"}
    authentication = data["authentication"]
    assert authentication["spf"] == {
        "result": "pass", "domain": "example.com", "client": "192.0.2.1",
    }  # fmt: skip
    assert authentication["dkim"] == [
        {"result": "pass", "domain": "example.com", "selector": "test"}
    ]
    assert (authentication["dmarc"]["result"], authentication["arc"]) == (
        "pass",
        {"result": "none"},
    )
    assert None not in (data["raw"]["url"], data["raw"]["url_expires_at"])
    assert None not in (data["envelope"]["client"], data["envelope"]["client_name"])


@pytest.mark.parametrize("shape", ["v2", "Hash", "RawMessage"])
def test_a_sample_is_posted_in_the_endpoints_format(
    near: tuple[ApiWorld, HttpPeer], shape: str
) -> None:
    api, peer = near
    web = made(api, HTTP, url=peer.url("/in"), format=shape, enabled=False)
    reply = tried(api, web)
    assert reply.status == 200
    assert {name: reply.json[name] for name in ("code", "response", "error")} == {
        "code": 200,
        "response": "ok",
        "error": None,
    }
    assert reply.json["seconds"] >= 0
    assert reply.headers["ratelimit-policy"] == '"test";q=30;w=60'
    (heard,) = peer.requests
    assert heard.line.startswith("POST /in ")
    assert "webhook-signature" in heard.headers
    posted = json.loads(heard.body)
    if shape == "v2":
        assert (posted["type"], posted["data"]["email"]["id"]) == ("email.incoming", 0)
        assert posted["data"]["attachments"][0]["filename"] == "test.txt"
        assert_as_of_real_mail(posted["data"])
    else:
        assert posted["id"] == 0
    assert api.count() == 0
    assert api.manage("GET", f"/endpoints/{web['id']}", tenant=HERE).json["last_used_at"] is None


def test_whatever_it_says_is_told_and_changes_nothing(near: tuple[ApiWorld, HttpPeer]) -> None:
    api, peer = near
    body = b"x" * 2_000
    peer.answer = b"HTTP/1.1 410 Gone\r\nContent-Length: 2000\r\nConnection: close\r\n\r\n" + body
    web = made(api, HTTP, url=peer.url("/"))
    said = tried(api, web).json
    assert (said["code"], said["response"], said["error"]) == (410, "x" * 1_024, None)
    assert api.manage("GET", f"/endpoints/{web['id']}", tenant=HERE).json["enabled"] is True
    peer.answer = b"no HTTP\r\n\r\n"
    said = tried(api, web).json
    assert (said["code"], said["response"]) == (-2, "")
    assert said["error"]


def test_the_guard_holds_for_a_sample_too_and_other_types_have_none(here: ApiWorld) -> None:
    here.scene.posthorn[ScriptedResolver].zone["inside.example"] = {"A": ["10.0.0.1"]}
    web = made(here, HTTP, url="http://inside.example/")
    said = tried(here, web).json
    assert (said["code"], said["error"]) == (-4, "Blocked destination")
    assert refused(tried(here, made(here, ADDRESS))) == (409, "conflict")
    reader = a_key(here, "routing:read")
    at = f"/endpoints/{web['id']}/test"
    assert refused(here.manage("POST", at, None, HERE, reader)) == (403, "scope_missing")
