"""What `send/raw` and `raw` make of odd bytes: changed in few and told ways, refused, or sent as they are."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from chalicelib import bootstrap
from chalicelib.domain.tenancy.credentials import BareNewlines, CredentialKind
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from tests.http_api import ApiWorld
from tests.odd_mail import HEADER, MENDED, REFUSED, UNTOUCHED


def send_v1(api: ApiWorld, content: bytes) -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    parameters = {"rcpt_to": ["x@example.com"], "mail_from": "app@acme.test", "data": data}
    envelope: dict[str, Any] = api.v1("send/raw", parameters)
    return envelope


def send_v2(api: ApiWorld, content: bytes) -> Any:
    value = {"from": "app@acme.test", "to": "x@example.com"}
    return api.v2("POST", "/emails", value | {"raw": base64.b64encode(content).decode()})


def stored(api: ApiWorld, version: str, content: bytes) -> tuple[bytes, str | None]:
    """The stored bytes, and the Message-ID that the answer tells."""
    if version == "v1":
        data = send_v1(api, content)["data"]
        return api.content(data["messages"]["x@example.com"]["id"]), data["message_id"]
    reply = send_v2(api, content)
    assert reply.status == 202, reply
    return api.content(reply.json["id"]), reply.json["message_id"]


def on_the_wire(api: ApiWorld) -> bytes:
    bootstrap.run(api.scene.deliver_ready())
    (received,) = api.scene.egress.received
    return received.content


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", MENDED)
def test_what_others_would_misread_is_mended(api: ApiWorld, version: str, name: str) -> None:
    given, wanted = MENDED[name]
    content, _ = stored(api, version, given)
    assert content == wanted
    assert on_the_wire(api).endswith(wanted)


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("name", UNTOUCHED)
def test_everything_else_is_stored_and_sent_byte_for_byte(
    api: ApiWorld, version: str, name: str
) -> None:
    content, _ = stored(api, version, UNTOUCHED[name])
    assert content == UNTOUCHED[name]
    assert on_the_wire(api).endswith(content)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_mended_is_refused(api: ApiWorld, name: str) -> None:
    given, _ = REFUSED[name]
    assert send_v1(api, given)["status"] == "error"
    assert send_v2(api, given).status in (403, 422)
    assert api.count() == 0


@pytest.mark.parametrize("name", ["From", "Sender", "Reply-To", "To", "Cc"])
def test_an_encoded_line_break_in_an_address_field_is_refused(api: ApiWorld, name: str) -> None:
    given, reply = REFUSED[f"a line break hidden in {name}"]
    text = reply.removeprefix("554 5.6.0 ")
    data = send_v1(api, given)["data"]
    assert (data["code"], data["message"]) == ("MessageRejected", text)
    answer = send_v2(api, given)
    assert (answer.status, answer.json["detail"]) == (422, text)
    raw = base64.b64encode(given).decode()
    order = {"from": "app@acme.test", "to": "x@example.com", "raw": raw}
    batch = api.v2("POST", "/emails/batch", [order])
    assert text in str(batch.json)
    assert api.count() == 0


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("given", [b"<>", b"", b" (none)"])
def test_answer_record_and_wire_agree_on_an_empty_message_id(
    api: ApiWorld, version: str, given: bytes
) -> None:
    content, told = stored(api, version, HEADER + b"Message-ID: " + given + b"\r\n\r\nHi\r\n")
    assert told is None
    assert b"message-id" not in content.lower()
    page = bootstrap.run(api.scene.posthorn[MessageHistory].page(api.scene.server.id, limit=10))
    (record,) = page.values
    assert record.message.message_id == ""
    wire = on_the_wire(api)
    ours = f"Message-ID: <{record.message.token}@{api.scene.posthorn.settings.return_path_domain}>"
    assert wire.lower().count(b"\r\nmessage-id:") == 1
    assert ours.encode() in wire


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_message_id_beside_an_empty_one_is_told_and_sent_alone(
    api: ApiWorld, version: str
) -> None:
    fields = b"Message-ID: (mine) <1@acme.test>\r\nMessage-ID: <>\r\n"
    content, told = stored(api, version, HEADER + fields + b"\r\nHi\r\n")
    assert told == "1@acme.test"
    assert content == HEADER + b"Message-ID: (mine) <1@acme.test>\r\n\r\nHi\r\n"
    assert on_the_wire(api).lower().count(b"\r\nmessage-id:") == 1


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_bcc_is_left_in_a_raw_message(api: ApiWorld, version: str) -> None:
    given = HEADER + b"Bcc: secret@example.com\r\n\r\nHi\r\n"
    assert stored(api, version, given)[0] == given


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_doubled_carriage_returns_are_one_line_end(api: ApiWorld, version: str) -> None:
    given = HEADER + b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\n\r\nHi\r\n\r\nJohn\r\n"
    content, _ = stored(api, version, given.replace(b"\r\n", b"\r\r\n"))
    assert content == given
    details = bootstrap.run(api.scene.posthorn[MessageHistory].page(api.scene.server.id, limit=1))
    assert details.values[0].message.subject == "Odd"


def test_a_credential_that_normalises_takes_nuls_out(api: ApiWorld) -> None:
    posthorn, server = api.scene.posthorn, api.scene.server
    options = CredentialOptions(bare_newlines=BareNewlines.NORMALISE)
    made = posthorn[Credentials].create(server, CredentialKind.API, "lenient", options)
    _, api.scene.api_key = bootstrap.run(made)
    content, _ = stored(api, "v2", HEADER + b"X\0: 1\r\n\nHi\0 John\r\n")
    assert content == HEADER + b"X: 1\r\n\r\nHi John\r\n"
