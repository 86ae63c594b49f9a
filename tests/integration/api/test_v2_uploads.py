"""Uploads for what does not fit into a request: a ticket, then an attachment or a whole message."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.config import Settings
from chalicelib.domain.mail.composed_size import attached_octets, base64_octets
from chalicelib.domain.tenancy.credentials import CredentialKind
from chalicelib.ports.blobs import BlobStore, UploadTicket
from chalicelib.services.tenancy.credentials import Credentials
from chalicelib.services.tenancy.servers import Servers
from tests.http_api import ApiWorld, api_world
from tests.web_client import bring

GOOD = {"from": "app@acme.test", "to": "x@example.com"}


def upload(api: ApiWorld, content: bytes, key: str | None = None) -> str:
    reply = api.v2("POST", "/uploads", {"size": len(content)}, key)
    assert reply.status == 201, reply.body
    made = reply.json
    assert made["expires_at"].endswith("Z")
    ticket = UploadTicket(made["id"], made["url"], made["method"], made["headers"], 0)
    bootstrap.run(bring(api.scene.posthorn, ticket, content))
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
    other = bootstrap.run(api.scene.posthorn[Servers].create(api.scene.organization, "Other"))
    _, key = bootstrap.run(api.scene.posthorn[Credentials].create(other, CredentialKind.API, "api"))
    id = upload(api, b"From: app@acme.test\r\n\r\nsecret\r\n", key)
    reply = api.v2("POST", "/emails", GOOD | {"raw_upload": id})
    assert reply.json["errors"][0]["code"] == "not_found"


@pytest.mark.parametrize(("size", "status"), [(0, 422), (-1, 422), ("10", 422), (10**9, 413)])
def test_sizes(api: ApiWorld, size: Any, status: int) -> None:
    assert api.v2("POST", "/uploads", {"size": size}).status == status


def test_a_file_to_import_that_is_too_large_is_told_its_own_limit(api: ApiWorld) -> None:
    assert api.manage("POST", "/uploads", {"size": 100_000_000}, "acme/app").status == 201
    reply = api.manage("POST", "/uploads", {"size": 100_000_001}, "acme/app")
    assert reply.status == 413
    assert reply.json["code"] == "content_too_large"
    assert reply.json["detail"] == (
        "The upload has 100,000,001 bytes, at most 100,000,000 are taken"
    )


def refusing_to_read(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unread(_: Any) -> bytes:
        raise AssertionError("read")

    monkeypatch.setattr(api.scene.posthorn[BlobStore], "get", unread)


def test_uploads_that_are_together_too_large_are_not_read(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [upload(api, b"x" * 14_000_000) for _ in range(2)]  # 28 MB, and 38 MB in base64
    refusing_to_read(api, monkeypatch)
    files = [{"filename": "a", "upload": id} for id in ids]
    reply = api.v2("POST", "/emails", GOOD | {"text": "see", "attachments": files})
    assert (reply.status, reply.json["code"]) == (413, "content_too_large")


def test_an_upload_counts_as_often_as_it_is_named(
    api: ApiWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [{"filename": "a", "upload": upload(api, b"x" * 8_388_608)}] * 500
    refusing_to_read(api, monkeypatch)
    reply = api.v2("POST", "/emails", GOOD | {"text": "see", "attachments": files})
    assert (reply.status, reply.json["code"]) == (413, "content_too_large")


def test_an_upload_named_often_is_read_once(api: ApiWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [{"filename": f"{n}", "upload": upload(api, b"content")} for n in range(12)] * 3
    read: list[Any] = []
    get = api.scene.posthorn[BlobStore].get

    async def noted(ref: Any) -> bytes:
        read.append(ref)
        return await get(ref)

    monkeypatch.setattr(api.scene.posthorn[BlobStore], "get", noted)
    reply = api.v2("POST", "/emails", GOOD | {"text": "see", "attachments": files})
    assert reply.status == 202, reply.body
    assert (len(read), len(set(read))) == (12, 12)
    assert api.content(reply.json["id"]).count(b"Y29udGVudA==") == 36


def test_an_attached_message_that_just_fits_is_taken(api: ApiWorld) -> None:
    message = b"From: a@b.test\r\n\r\n" + b"x" * 70 + b"\r\n" * 1_000
    with api_world(Settings(max_message_size=len(message) + 3_000)) as small:
        file = {
            "filename": "a.eml",
            "content_type": "message/rfc822",
            "upload": upload(small, message),
        }
        octets = attached_octets("Message/RFC822", len(message))
        assert octets == len(message)
        assert base64_octets(octets) > len(message) + 700
        reply = small.v2("POST", "/emails", GOOD | {"text": "see", "attachments": [file]})
        assert reply.status == 202, reply.body


def test_uploads_end_after_two_days(api: ApiWorld) -> None:
    id = upload(api, b"From: app@acme.test\r\n\r\nx\r\n")
    api.scene.clock.advance(2 * 86_400 - 1)
    assert api.v2("POST", "/emails", GOOD | {"raw_upload": id}).status == 202
    api.scene.clock.advance(1)
    reply = api.v2("POST", "/emails", GOOD | {"raw_upload": id})
    assert reply.json["errors"][0]["code"] == "not_found"
