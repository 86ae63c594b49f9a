"""Uploads for what does not fit into a request: a ticket, then an attachment or a whole message."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tenancy import CredentialKind
from chalicelib.ports import UploadTicket
from tests.http_api import ApiWorld

GOOD = {"from": "app@acme.test", "to": "x@example.com"}


def upload(api: ApiWorld, content: bytes, key: str | None = None) -> str:
    reply = api.v2("POST", "/uploads", {"size": len(content)}, key)
    assert reply.status == 201, reply.body
    made = reply.json
    assert made["expires_at"].endswith("Z")
    ticket = UploadTicket(made["id"], made["url"], made["method"], made["headers"], 0)
    api.scene.world.blobs.finish_upload(ticket, content)
    id: str = made["id"]
    return id


def test_a_whole_message(api: ApiWorld) -> None:
    raw = b"From: app@acme.test\r\nSubject: big\r\n\r\n" + b"line \xff of body\r\n" * 400_000
    reply = api.v2("POST", "/emails", GOOD | {"raw_upload": upload(api, raw)})
    assert reply.status == 202, reply.body
    assert api.content(reply.json["id"]) == raw


def test_an_attachment(api: ApiWorld) -> None:
    id = upload(api, b"content of the file")
    files = [{"filename": "a.txt", "upload": id}, {"filename": "again.txt", "upload": id}]
    reply = api.v2("POST", "/emails", GOOD | {"text": "see", "attachments": files})
    assert reply.status == 202, reply.body
    assert api.content(reply.json["id"]).count(b"Y29udGVudCBvZiB0aGUgZmlsZQ==") == 2


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"raw_upload": "nosuchupload"}, "/raw_upload"),
        (
            {"text": "x", "attachments": [{"filename": "a", "upload": "nosuch"}]},
            "/attachments/0/upload",
        ),
    ],
)
def test_an_unknown_upload_is_named(api: ApiWorld, value: dict[str, Any], pointer: str) -> None:
    reply = api.v2("POST", "/emails", GOOD | value)
    assert reply.status == 422
    assert [(error["pointer"], error["code"]) for error in reply.json["errors"]] == [
        (pointer, "not_found")
    ]


def test_uploads_of_another_server_are_unknown(api: ApiWorld) -> None:
    tenants = api.scene.posthorn.accounts
    other = bootstrap.run(tenants.create_server(api.scene.organization, "Other"))
    _, key = bootstrap.run(tenants.create_credential(other, CredentialKind.API, "api"))
    id = upload(api, b"From: app@acme.test\r\n\r\nsecret\r\n", key)
    reply = api.v2("POST", "/emails", GOOD | {"raw_upload": id})
    assert reply.json["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize(("size", "status"), [(0, 422), (-1, 422), ("10", 422), (10**9, 413)])
def test_sizes(api: ApiWorld, size: Any, status: int) -> None:
    assert api.v2("POST", "/uploads", {"size": size}).status == status
