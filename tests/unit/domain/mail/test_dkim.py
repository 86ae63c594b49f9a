"""Relaxed canonicalisation and the shape of the signature field (RFC 6376)."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from chalicelib.domain.mail.dkim import (
    MOST_OF_ONE_NAME,
    OVERSIGNED,
    finish,
    prepare,
    relaxed_body,
    relaxed_header,
    signing_input,
)

AT = 1_711_108_800


@pytest.mark.parametrize(
    ("body", "canonical"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"\r\n\r\n\r\n", b""),
        (b" \t\r\n \r\n", b""),
        (b" ", b""),
        (b"a", b"a\r\n"),
        (b"a ", b"a\r\n"),
        (b"a\r\n", b"a\r\n"),
        (b"a\r\n\r\n", b"a\r\n"),
        (b"a \t b\t\r\n", b"a b\r\n"),
        (b" a\r\n", b" a\r\n"),
        (b"\r\na\r\n", b"\r\na\r\n"),
        (b"a\r\n \r\n\t", b"a\r\n"),
        (b"a" + b" " * 5_000 + b"b" + b"\t" * 257 + b"\r\n" * 70_000, b"a b\r\n"),
        (b"a" + b" " * 255 + b"b" + b" " * 256 + b"c" + b" " * 17, b"a b c\r\n"),
        (b"a\r\r\n", b"a\r\r\n"),
        (b" C \r\nD \t E\r\n\r\n\r\n", b" C\r\nD E\r\n"),  # RFC 6376 §3.4.5
    ],
)
def test_bodies(body: bytes, canonical: bytes) -> None:
    assert relaxed_body(body) == canonical
    hashed = base64.b64encode(hashlib.sha256(canonical).digest())
    assert prepare(b"From: a\r\n\r\n" + body).body_hash == hashed


@pytest.mark.parametrize(
    ("value", "canonical"),
    [
        (b" X \r\n", b"X\r\n"),
        (b" Y\t\r\n\tZ  ", b"Y Z"),
        (b"", b""),
        (b" \x0ba\x0b b\x0c ", b"\x0ba\x0b b\x0c"),
        (b"a\r b\n c", b"a\r b\n c"),
        (b"a\r\n \r\n b", b"a b"),
        (b"a \r\nb\t\r\n", b"a\r\nb\r\n"),
    ],
)
def test_values(value: bytes, canonical: bytes) -> None:
    assert relaxed_header(value).strip(b" ") == canonical


def names_signed(content: bytes, prefix: tuple[bytes, ...] = ()) -> list[bytes]:
    return re.sub(rb"\s", b"", prepare(content, prefix).names).split(b":")


def test_present_fields_are_signed_and_the_important_ones_once_more() -> None:
    names = names_signed(
        b"From: a\r\nX-Own: b\r\nList-Help: c\r\nFeedback-ID: d\r\nSubject: e\r\n\r\n"
    )
    assert names == [b"subject", b"feedback-id", b"list-help", b"from", *OVERSIGNED]


def test_fields_that_relays_add_are_signed_once_more_only_where_there_are_some() -> None:
    added = {b"date", b"message-id", b"mime-version", b"content-type", b"content-transfer-encoding"}
    added |= {b"list-unsubscribe", b"list-unsubscribe-post"}
    assert not added & set(names_signed(b"From: a\r\nMIME: 1\r\n\r\nContent-Type: x\r\n"))
    for name in added:
        assert names_signed(b"From: a\r\n" + name + b": x\r\n\r\n").count(name) == 2
        assert added & set(names_signed(b"From: a\r\n" + name + b": x\r\n\r\n")) == {name}


def test_each_of_several_fields_is_signed() -> None:
    names = names_signed(b"From: a\r\nFrom: b\r\nSender: c\r\n\r\n")
    assert names.count(b"from") == 3
    assert names.count(b"sender") == 1


def test_a_flood_of_one_field_does_not_lengthen_the_signature() -> None:
    names = names_signed(b"Subject: a\r\n" * 5_000 + b"From: b\r\n\r\n")
    assert names.count(b"subject") == MOST_OF_ONE_NAME
    assert names.count(b"from") == 2


def test_fields_put_in_front_are_signed() -> None:
    assert names_signed(b"From: a\r\n\r\n", (b"Date: x\r\n",)).count(b"date") == 2


def test_a_first_line_that_continues_belongs_to_the_field_in_front_of_it() -> None:
    split = prepare(b" more\r\nFrom: a\r\n\r\n", (b"Date: x\r\n",))
    whole = prepare(b"Date: x\r\n more\r\nFrom: a\r\n\r\n")
    assert split.header_hash.digest() == whole.header_hash.digest()


def test_the_field_has_the_tags_of_the_contract_and_no_others() -> None:
    signing = signing_input(prepare(b"From: a\r\n\r\nb"), "example.com", "s1", "rsa-sha256", AT)
    field = finish(signing, b"\xff" * 256)
    assert field.startswith(
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s1;\r\n\tt="
    )
    assert field.endswith(b"\r\n")
    tags = [tag.split(b"=", 1)[0].strip() for tag in field.split(b":", 1)[1].split(b";")]
    assert tags == [b"v", b"a", b"c", b"d", b"s", b"t", b"h", b"bh", b"b"]
    assert b"t=1711108800;" in field
    assert all(len(line) <= 100 for line in field.split(b"\r\n"))
    assert base64.b64decode(b"".join(field.partition(b"\tb=")[2].split())) == b"\xff" * 256


def test_one_preparation_serves_many_signatures() -> None:
    canonical = prepare(b"From: a\r\n\r\nb")
    first = signing_input(canonical, "example.com", "s1", "rsa-sha256", AT)
    second = signing_input(canonical, "example.com", "s2", "ed25519-sha256", AT)
    assert first == signing_input(canonical, "example.com", "s1", "rsa-sha256", AT)
    assert first.digest != second.digest


@pytest.mark.parametrize(
    ("domain", "selector", "algorithm"),
    [
        ("example.com; l=0", "s1", "rsa-sha256"),
        ("example.com", "s1; x=1", "rsa-sha256"),
        ("example.com\r\n", "s1", "rsa-sha256"),
        ("bücher.example", "s1", "rsa-sha256"),
        ("", "s1", "rsa-sha256"),
        ("example.com", "", "rsa-sha256"),
        ("example.com", "s1", "rsa-sha1"),
    ],
)
def test_a_tag_cannot_be_broken_out_of(domain: str, selector: str, algorithm: str) -> None:
    with pytest.raises(ValueError, match=r"sign|algorithm"):
        signing_input(prepare(b"From: a\r\n\r\nb"), domain, selector, algorithm, AT)
