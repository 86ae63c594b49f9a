"""DKIM of others, signed by dkimpy, is verified; what must not be believed is not (RFC 6376, api.md 2.10)."""

from __future__ import annotations

import base64
from collections.abc import Mapping

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from chalicelib.adapters.crypto.keys import generate_rsa
from chalicelib.adapters.crypto.signature_check import CryptographySignatureCheck
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.inspection import DkimSignature
from chalicelib.domain.mail.headers import read_headers
from chalicelib.services.incoming.signatures import Signatures, SignedMessage
from tests.dkim_keys import AT, KEYS, RECORDS, Key, signed

MESSAGE = (
    b"From: Joe <joe@example.com>\r\nTo: sue@example.net\r\nSubject: A  folded\r\n\tsubject \r\n"
    b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n"
    b"Hello \t there  \r\n\r\nBye\r\n\r\n\r\n"
)
NOW = AT + 60.0


async def checked(
    message: bytes, records: Mapping[str, str] = RECORDS, now: float = NOW
) -> list[str]:
    return [one.result for one in await checked_whole(message, records, now)]


async def checked_whole(
    message: bytes, records: Mapping[str, str] = RECORDS, now: float = NOW
) -> tuple[DkimSignature, ...]:
    zone = {name: {"TXT": [text]} for name, text in records.items()}
    signatures = Signatures(ScriptedResolver(zone), CryptographySignatureCheck())
    return await signatures.dkim(SignedMessage(message, read_headers(message)), now)


def pem(key: Key) -> bytes:
    private = load_der_private_key(key.der, None)
    if key.algorithm == "ed25519-sha256":
        raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
        return base64.b64encode(raw)
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def by_dkimpy(
    message: bytes = MESSAGE,
    key: Key = KEYS[0],
    form: str = "relaxed/relaxed",
    length: bool = False,
    headers: tuple[bytes, ...] = (b"from", b"subject", b"to", b"from"),
    algorithm: str = "",
) -> bytes:
    header, _, body = form.partition("/")
    field: bytes = dkim.sign(
        message,
        key.selector.encode(),
        key.domain.encode(),
        pem(key),
        canonicalize=(header.encode(), body.encode()),
        signature_algorithm=(algorithm or key.algorithm).encode(),
        include_headers=list(headers),
        length=length,
    )
    return field


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.algorithm)
@pytest.mark.parametrize(
    "form", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"]
)
async def test_what_dkimpy_signs_is_verified(key: Key, form: str) -> None:
    late = 4e9
    for message in (MESSAGE, MESSAGE.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", MESSAGE + b"x"):
        field = by_dkimpy(message, key, form)
        assert await checked(field + message, now=late) == ["pass"]
        assert await checked(field + message.replace(b"Joe", b"Jim"), now=late) == ["fail"]
        assert await checked(field + message + b"more\r\n", now=late) == ["fail"]
        second = field + b"From: eve@example.org\r\n" + message
        assert await checked(second, now=late) == ["fail"]


async def test_sha1_is_not_verified_whatever_the_key_allows() -> None:
    """RFC 8301; chains of ARC may have it (ADR 68)."""
    field = by_dkimpy(algorithm="rsa-sha1")
    assert b"a=rsa-sha1" in field
    for records in (RECORDS, record(h="sha1"), record(h="sha1:sha256")):
        assert await checked(field + MESSAGE, records, now=4e9) == ["permerror"]


async def test_our_own_signatures_are_verified() -> None:
    front = b"".join(signed(MESSAGE))
    assert await checked(front + MESSAGE) == ["pass", "pass"]
    moved = MESSAGE.replace(b"Hello \t there", b"Hello there").replace(
        b"\r\n\tsubject", b" subject"
    )
    assert await checked(front + moved) == ["pass", "pass"], "relaxed"


async def test_a_body_that_is_signed_in_part_is_neutral() -> None:
    field = by_dkimpy(length=True)
    assert b" l=" in field
    assert await checked(field + MESSAGE, now=4e9) == ["pass"]
    assert await checked(field + MESSAGE + b"more\r\n", now=4e9) == ["neutral"]
    short = MESSAGE.partition(b"Bye")[0]
    assert await checked(field + short, now=4e9) == ["permerror"]


def record(**tags: str) -> dict[str, str]:
    name, text = KEYS[0].record
    public = text.partition("p=")[2]
    listed = {"v": "DKIM1", "k": "rsa", "p": public} | tags
    return {name: "; ".join(f"{tag}={value}" for tag, value in listed.items() if value != "-")}


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ({}, "permerror"),
        (record(), "pass"),
        (record(v="-"), "pass"),
        (record(h="sha1:sha256", s="email", t="y"), "pass"),
        (record(s="*", t="s"), "pass"),
        (record(p=""), "permerror"),
        (record(p="AAAA"), "permerror"),
        (record(p="?"), "permerror"),
        (record(h="sha1"), "permerror"),
        (record(s="tlsrpt"), "permerror"),
        (record(k="ed25519"), "permerror"),
        (record(v="DKIM2"), "permerror"),
        ({KEYS[0].record[0]: "nonsense"}, "permerror"),
        (
            {KEYS[0].record[0]: record()[KEYS[0].record[0]].replace("DKIM1;", "DKIM1;;")},
            "permerror",
        ),
        (dict([Key("r1", "rsa-sha256", *generate_rsa()).record]), "fail"),
    ],
)
async def test_what_a_key_says_of_its_use_is_obeyed(records: dict[str, str], expected: str) -> None:
    (field,) = signed(MESSAGE, keys=KEYS[:1])
    assert await checked(field + MESSAGE, records) == [expected]


def altered(old: bytes, new: bytes) -> bytes:
    (field,) = signed(MESSAGE, keys=KEYS[:1])
    assert old in field
    return field.replace(old, new, 1) + MESSAGE


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (b"v=1;", b"v=2;", "neutral"),
        (b"v=1;", b"", "neutral"),
        (b"a=rsa-sha256", b"a=rsa-sha1", "permerror"),
        (b"a=rsa-sha256", b"a=dsa-sha256", "permerror"),
        (b"c=relaxed/relaxed", b"c=loose", "neutral"),
        (b"d=example.com", b"d=", "neutral"),
        (b"s=r1", b"s=r1; s=r1", "neutral"),
        (b"s=r1", b"s=other", "permerror"),
        (b"h=", b"h=:", "neutral"),
        (b"bh=", b"bh=!", "neutral"),
        (b"v=1;", b"v=1; i=joe@other.example;", "permerror"),
        (b"v=1;", b"v=1; x=1711108860;", "fail"),
        (b"v=1;", b"v=1; x=1711108859;", "permerror"),
        (b"v=1;", b"v=1; q=http/txt;", "permerror"),
        (b"t=1711108800", b"t=1711200000", "permerror"),
        (b"t=1711108800", b"t=soon", "neutral"),
        (b"v=1;", b"v=1;;", "neutral"),
        (b"v=1;", b"v=1; \xff=1;", "neutral"),
        (b"v=1;", b"v=1; unknown=x;", "fail"),
    ],
)
async def test_a_field_that_is_not_as_it_must_be(old: bytes, new: bytes, expected: str) -> None:
    assert await checked(altered(old, new)) == [expected]


async def test_a_signature_without_from_is_permanently_wrong() -> None:
    (field,) = signed(MESSAGE, keys=KEYS[:1])
    names = field.partition(b"h=")[2].partition(b";")[0]
    assert await checked(field.replace(names, b"subject:to") + MESSAGE) == ["permerror"]


async def test_dns_that_does_not_tell_is_temporary() -> None:
    (field,) = signed(MESSAGE, keys=KEYS[:1])
    resolver = ScriptedResolver()
    resolver.fail(KEYS[0].record[0])
    signatures = Signatures(resolver, CryptographySignatureCheck())
    message = field + MESSAGE
    found = await signatures.dkim(SignedMessage(message, read_headers(message)), NOW)
    assert found == (DkimSignature("temperror", "example.com", "r1"),)


async def test_ten_signatures_are_looked_at() -> None:
    (field,) = signed(MESSAGE, keys=KEYS[:1])
    assert await checked(field * 12 + MESSAGE) == ["pass"] * 10
