"""How v1 calls travel: methods, both request encodings, keys, framework errors (contract section 2.1)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from chalicelib import bootstrap
from chalicelib.adapters.sqlite import intake
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from tests.http_api import ApiWorld

PING = {"id": 0}
NOT_FOUND = "MessageNotFound"


def code(api: ApiWorld, path: str = "", method: str = "POST", **sent: Any) -> Any:
    headers = {"x-server-api-key": api.scene.api_key} | sent.pop("headers", {})
    reply = api.call(method, f"/api/v1/messages/message{path}", headers=headers, **sent)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    return reply.json["data"].get("code") or reply.json["data"]["message"]


MISSING = "`id` parameter is required but is missing"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH"])
@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON-whatever"],
)
def test_json_bodies(api: ApiWorld, method: str, content_type: str) -> None:
    body = json.dumps(PING).encode()
    headers = {"content-type": content_type}
    assert code(api, method=method, body=body, headers=headers) == NOT_FOUND


@pytest.mark.parametrize(
    "content_type", ["text/plain", "image/png", "application/octet-stream", ""]
)
def test_other_content_types_have_no_parameters(api: ApiWorld, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    assert code(api, body=json.dumps(PING).encode(), headers=headers) == MISSING


def test_the_form_field_params(api: ApiWorld) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    body = urlencode({"params": json.dumps(PING)}).encode()
    assert code(api, body=body, headers=headers) == NOT_FOUND


def test_the_multipart_form_field_params(api: ApiWorld) -> None:
    body = (
        b'--xyz\r\nContent-Disposition: form-data; name="other"\r\n\r\nname="params"\r\n'
        b'--xyz\r\nContent-Disposition: form-data; name="params"\r\n\r\n{"id": 0}\r\n--xyz--\r\n'
    )
    headers = {"content-type": "multipart/form-data; boundary=xyz"}
    assert code(api, body=body, headers=headers) == NOT_FOUND


@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_the_query_parameter_params(api: ApiWorld, headers: dict[str, str]) -> None:
    path = f"?params={quote(json.dumps(PING))}"
    assert code(api, path, method="GET", headers=headers) == NOT_FOUND


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b"{"),
        ("application/json", b'{"id": "\xff"}'),
        ("application/json", b"[" * 100_000),
        ("application/x-www-form-urlencoded", b"params=%7B"),
        ("application/x-www-form-urlencoded", b"a=b&" * 5_000),
    ],
)
def test_malformed_json_is_a_400(api: ApiWorld, content_type: str, body: bytes) -> None:
    headers = {"content-type": content_type, "x-server-api-key": api.scene.api_key}
    reply = api.call("POST", "/api/v1/send/message", body, headers)
    assert reply.status == 400
    assert reply.json["status"] == "parameter-error"


@pytest.mark.parametrize("body", [b"[]", b"5", b'"text"', b"null", b""])
def test_json_that_is_no_object_has_no_parameters(api: ApiWorld, body: bytes) -> None:
    assert code(api, body=body, headers={"content-type": "application/json"}) == MISSING


def test_the_key_is_checked_before_the_parameters(api: ApiWorld) -> None:
    for key, wanted in (
        ("", {"code": "AccessDenied", "message": "Must be authenticated as a server."}),
        ("   ", {"code": "AccessDenied", "message": "Must be authenticated as a server."}),
        (
            "acme-key-of-somebody",
            {
                "code": "InvalidServerAPIKey",
                "message": "The API token provided in X-Server-API-Key was not valid.",
                "token": "acme…",
            },
        ),
    ):
        reply = api.call("POST", "/api/v1/send/message", None, {"X-Server-API-Key": key})
        assert reply.json["status"] == "error"
        assert reply.json["data"] == wanted


def test_an_smtp_key_is_no_api_key(api: ApiWorld) -> None:
    assert api.v1("messages/message", PING, key=api.scene.smtp_key)["data"]["code"] == (
        "InvalidServerAPIKey"
    )


def test_a_suspended_server_says_nothing_more(api: ApiWorld) -> None:
    scene = api.scene
    suspended = replace(scene.server, suspended_at=int(scene.clock.now()))
    bootstrap.run(scene.posthorn[Repository].replace(SERVERS, suspended))
    envelope = api.v1("send/message", {})
    assert (envelope["status"], envelope["data"]) == ("error", {"code": "ServerSuspended"})


@pytest.mark.parametrize("method", ["DELETE", "HEAD", "OPTIONS"])
def test_other_methods_are_not_found(api: ApiWorld, method: str) -> None:
    assert api.call(method, "/api/v1/send/message").status == 404


@pytest.mark.parametrize("path", ["/api/v1/send/nothing", "/api/v1/nothing/message"])
def test_other_paths_are_not_found(api: ApiWorld, path: str) -> None:
    assert api.call("POST", path, b"{}", {"x-server-api-key": api.scene.api_key}).status == 404


def test_a_failing_store_is_a_503_that_can_be_repeated(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise TemporaryFailure("The store is away")

    monkeypatch.setattr(intake, "add_first_job", away)
    body = json.dumps({"to": "a@example.com", "from": "a@acme.test", "plain_body": "x"}).encode()
    headers = {"content-type": "application/json", "x-server-api-key": api.scene.api_key}
    reply = api.call("POST", "/api/v1/send/message", body, headers)
    assert reply.status == 503
    assert "retry-after" in reply.headers
    assert reply.json["data"]["code"] == "TemporaryFailure"
    assert api.count() == 0


def test_an_unexpected_error_is_a_500_without_details(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(*_: Any) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(api.scene.posthorn[MessageStore], "get", broken)
    body = json.dumps({"id": 1}).encode()
    headers = {"content-type": "application/json", "x-server-api-key": api.scene.api_key}
    reply = api.call("POST", "/api/v1/messages/message", body, headers)
    assert reply.status == 500
    assert reply.headers["content-type"].startswith("text/html")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["outcome"], line["error"], line["status"]) == ("error", "ZeroDivisionError", 500)
