"""Deliveries to HTTP endpoints, recorded: our bodies of the same messages are the same."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.domain.incoming.postal_payload import (
    form_body,
    hash_payload,
    json_body,
    raw_payload,
)
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.mail.mime import mime_base64
from chalicelib.domain.model import BlobRef, Message, MessageRecord, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.public_key import key_id, rsa_members
from tests.golden.comparison import Difference, Row, Table, differences
from tests.golden.recordings import read

PAGE = "docs/http-endpoints.md"
ROWS = Table(
    [
        Row("*", "received_with_ssl", "NoneType:None", "bool:False", PAGE,
            "`received_with_ssl` is false for a message that came in clear text, never null"),
        Row("latin-1 *", "plain_body", "str:Grüße\r\n\r\n", "str:Grüße\n\n", PAGE,
            "text parts have LF line ends, whatever octets are in them"),
        Row("broken charset *", "plain_body", "str:bad \ufffd\ufffd bytes\r\n\r\n",
            "str:bad \ufffd\ufffd bytes\n\n", PAGE,
            "text parts have LF line ends, whatever octets are in them"),
        Row("repeated and folded headers *", "reply_to[[]0[]]", "str:r2@x.example", "str:r1@x.example", PAGE,
            "`reply_to` has all values of a repeated Reply-To"),
        Row("repeated and folded headers *", "reply_to[[]1[]]", "(absent)", "str:r2@x.example", PAGE,
            "`reply_to` has all values of a repeated Reply-To"),
    ]
)  # fmt: skip
HEAD = (
    b"X-Postal-Spam: no\r\nX-Postal-Spam-Threshold: 5.0\r\nX-Postal-Spam-Score: 0\r\nX-Postal-Threat: no\r\n"
    b"Received: from a.example (127.0.0.1 [127.0.0.1]) by postal.example.com with SMTP;"
    b" Sat, 28 Nov 2026 21:00:27 -0000\r\n"
)


@dataclass(frozen=True)
class Recording:
    """One request that Postal made."""

    title: str
    route: str
    raw: bytes
    headers: Mapping[str, str]
    body: str

    @property
    def is_form(self) -> bool:
        return self.headers["content-type"] == "application/x-www-form-urlencoded"

    @property
    def is_raw(self) -> bool:
        return self.route.startswith("raw")


@cache
def recordings() -> tuple[Recording, ...]:
    return tuple(
        Recording(
            f"{one['message']} {one['route']}",
            one["route"],
            base64.b64decode(one["raw_base64"]),
            request["headers"],
            request["body"],
        )
        for one in read("http-endpoints.json")
        for request in one["requests"]
    )


def form_pairs(body: str) -> Iterator[tuple[str, str | None]]:
    for pair in body.split("&"):
        name, equals, value = pair.partition("=")
        yield unquote_plus(name), unquote_plus(value) if equals else None


def facts(recording: Recording) -> dict[str, Any]:
    """What a body says of the message itself."""
    if recording.is_form:
        return dict(form_pairs(recording.body))
    found: dict[str, Any] = json.loads(recording.body)
    return found


def record_of(recording: Recording) -> MessageRecord:
    known = facts(recording)
    message = Message(
        server_id=ServerId(1),
        id=MessageId(int(known["id"])),
        token=known.get("token", ""),
        scope=Scope.INCOMING,
        mail_from=known["mail_from"] or "",
        rcpt_to=known["rcpt_to"],
        subject=known.get("subject") or "",
        message_id=known.get("message_id") or "",
        received_at=float(known.get("timestamp", 0)),
        size=int(known["size"]),
        blob=BlobRef("r/1", 0, 1),
        origin=Origin("@incoming", "golden.example", ""),
    )
    return MessageRecord(message, inspection=Inspection())


def our_body(recording: Recording) -> bytes:
    record = record_of(recording)
    if recording.is_raw:
        payload = raw_payload(record, base64.b64decode(facts(recording)["message"]))
    else:
        payload = hash_payload(
            record,
            HEAD + recording.raw,
            strip_replies=recording.route == "strip",
            attachments=recording.route != "strip",
            flat=recording.is_form,
        )
    return form_body(payload) if recording.is_form else json_body(payload)


def test_all_were_recorded() -> None:
    assert len(recordings()) == 41


@pytest.mark.parametrize("recording", recordings(), ids=lambda one: one.title)
def test_the_body_is_the_same(recording: Recording) -> None:
    ours = our_body(recording).decode()
    if recording.is_form:
        found = form_differences(list(form_pairs(recording.body)), list(form_pairs(ours)))
    else:
        found = list(differences(json.loads(recording.body), json.loads(ours)))
    assert ROWS.unexplained(recording.title, found) == []


Pairs = list[tuple[str, str | None]]


def form_differences(theirs: Pairs, ours: Pairs) -> list[Difference]:
    """Names in order, and what stands behind them; a name that comes twice is a list."""
    assert list(dict(theirs)) == list(dict(ours))
    return [
        *differences(_grouped(theirs), _grouped(ours)),
    ]


def _grouped(pairs: Pairs) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name == "reply_to" and value is not None:
            found.setdefault(name, []).append(value)
        elif name == "received_with_ssl":
            found[name] = None if value is None else value == "true"
        else:
            assert name not in found
            found[name] = value
    return found


@pytest.mark.parametrize(
    "recording", [one for one in recordings() if one.is_form], ids=lambda one: one.title
)
def test_a_form_is_written_letter_by_letter_as_it_was(recording: Recording) -> None:
    """But for the values that differ by a row."""
    theirs, ours = (
        {pair.partition("=")[0]: pair for pair in body.split("&")}
        for body in (recording.body, our_body(recording).decode())
    )
    differing = {name for name in theirs if theirs[name] != ours[name]}
    assert differing <= {"received_with_ssl", "plain_body"}
    if not recording.title.startswith("latin-1"):
        assert "plain_body" not in differing


@pytest.mark.parametrize("row", ROWS.rows, ids=lambda row: row.path)
def test_every_row_is_needed_and_has_its_sentence(row: Row) -> None:
    from tests.docs.pages import ROOT

    titles = [one for one in recordings() if not one.is_raw]
    assert any(
        row.explains(one.title, difference)
        for one in titles
        for difference in (
            form_differences(list(form_pairs(one.body)), list(form_pairs(our_body(one).decode())))
            if one.is_form
            else differences(json.loads(one.body), json.loads(our_body(one)))
        )
    )
    assert row.reason in " ".join((ROOT / row.page).read_text().split())


def recorded_key() -> tuple[RSAPublicKey, str]:
    (known,) = read("jwks.json")["keys"]
    n, e = (
        int.from_bytes(base64.urlsafe_b64decode(known[name] + "==="), "big") for name in ("n", "e")
    )
    return RSAPublicNumbers(e, n).public_key(), known["kid"]


def test_the_recorded_signatures_are_over_the_exact_body() -> None:
    key, kid = recorded_key()
    for one in recordings():
        body = one.body.encode()
        hashes = {"x-postal-signature": SHA1(), "x-postal-signature-256": SHA256()}  # noqa: S303  # as theirs
        for name, hashed in hashes.items():
            signature = base64.b64decode(one.headers[name], validate=True)
            key.verify(signature, body, PKCS1v15(), hashed)
        assert one.headers["x-postal-signature-kid"] == kid


def test_our_key_set_says_of_that_key_what_theirs_does() -> None:
    key, kid = recorded_key()
    (known,) = read("jwks.json")["keys"]
    der = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    public = base64.b64encode(der).decode()
    assert key_id(public) == kid
    assert rsa_members(public) == {"n": known["n"], "e": known["e"]}
    pkcs1 = key.public_bytes(Encoding.DER, PublicFormat.PKCS1)
    assert hashlib.sha256(pkcs1).hexdigest() == kid


@pytest.mark.parametrize("size", [0, 1, 45, 46, 90, 49_151, 49_200, 100_003])
def test_large_values_of_a_form_are_escaped_as_small_ones_are(size: int) -> None:
    text = mime_base64((bytes(range(256)) * (size // 256 + 1))[:size])
    assert form_body({"data": text}).decode() == urlencode({"data": text})
    assert all(len(line) == 60 for line in text.split("\n")[:-2])
    assert base64.b64decode(text)[:256] == bytes(range(256))[:size]
