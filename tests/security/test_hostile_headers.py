"""Fields that try to be more than they are: second authors, forged names, odd names, smuggled lines (A12, A23–A30)."""

from __future__ import annotations

import pytest

from chalicelib.domain.mail import dkim
from chalicelib.domain.mail.address import addresses_in
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.mail.mime import bodies_and_attachments
from chalicelib.domain.mail.newlines import has_bare_newline
from chalicelib.domain.mail.own_fields import additions

SMUGGLED = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\r\n",
    b"\n\r\n",
    b"\r\n\n",
]


@pytest.mark.parametrize("ending", SMUGGLED)
def test_every_smuggling_sequence_has_a_bare_newline(ending: bytes) -> None:
    assert has_bare_newline(
        b"From: a@example.com\r\n\r\nHello" + ending + b"MAIL FROM:<x@evil.example>\r\n"
    )


def authors(block: bytes) -> set[str]:
    """The domains of all authors, as accepting a message sees them."""
    texts = read_headers(block).plain_texts("from")
    return {domain_of(address) for text in texts for address in addresses_in(text)}


@pytest.mark.parametrize(
    "block",
    [
        b"From: a@good.example\r\nFrom: x@evil.example\r\n\r\n",
        b"From: a@good.example\r\nfRoM : x@evil.example\r\n\r\n",
        b"From: a@good.example\r\nFROM\t: x@evil.example\r\n\r\n",
        b"From: a@good.example,\r\n x@evil.example\r\n\r\n",
        b"From: x@evil.example\r\n\t<>\r\n , a@good.example\r\n\r\n",
        b"broken line\r\nFrom: x@evil.example\r\n\r\n",
        b"From: a@good.example\r\n" + b"X: y\r\n" * 5_000 + b"From: x@evil.example\r\n\r\n",
    ],
)
def test_a_second_author_is_seen(block: bytes) -> None:
    assert "evil.example" in authors(block)


def test_an_author_beyond_the_limits_makes_the_header_refusable() -> None:
    block = b"From: a@good.example\r\n" + b"X: y\r\n" * 10_000 + b"From: x@evil.example\r\n\r\n"
    assert read_headers(block).truncated


@pytest.mark.parametrize(
    "name",
    [
        b"=?utf-8?q?a=40good.example=3E?= <x@evil.example>",
        b"=?utf-8?b?PGFAZ29vZC5leGFtcGxlPg==?= <x@evil.example>",
        b'"a@good.example" <x@evil.example>',
        b"(<a@good.example>) x@evil.example",
    ],
)
def test_a_display_name_is_no_author(name: bytes) -> None:
    assert authors(b"From: " + name + b"\r\n\r\n") == {"evil.example"}


@pytest.mark.parametrize(
    "name", [b"__proto__", b"constructor", b"__class__", b"_by_name", b"toString", b"0"]
)
def test_odd_field_names_are_only_names(name: bytes) -> None:
    headers = read_headers(name + b": x\r\nFrom: a@example.com\r\n\r\n")
    assert headers.texts()[name.decode().lower()] == ["x"]
    assert headers.count(b"from") == 1


def test_a_part_cannot_pretend_to_be_the_message() -> None:
    plain, html, attachments = bodies_and_attachments(
        b"Content-Type: message/rfc822\r\n\r\nContent-Type: text/html\r\n\r\n<script>"
    )
    assert (plain, html) == (None, None)
    assert attachments[0].content_type == "message/rfc822"


def test_a_file_name_is_not_a_line() -> None:
    content = b"Content-Disposition: attachment; filename*=utf-8''a%0D%0AContent-Type:%20text/x%0D%0A%00.txt\r\n\r\nx"
    filename = bodies_and_attachments(content)[2][0].filename
    assert filename.isprintable()


@pytest.mark.parametrize(
    "token", [b"ffffffffffffffff", b"0123456789abcde", b"*", b"=?utf-8?q?0123456789abcdef?="]
)
def test_a_submitter_cannot_switch_signing_off(token: bytes) -> None:
    headers = read_headers(b"X-Postal-MsgID: " + token + b"\r\nFrom: a@example.com\r\n\r\n")
    front = additions(
        headers, token="0123456789abcdef", message_id="m@x", date="d", resent_sender=None
    )
    assert front.sign


def test_a_submitted_signature_field_is_not_signed() -> None:
    content = b"DKIM-Signature: v=1; l=0; b=\r\nFrom: a@example.com\r\n\r\n"
    assert b"dkim-signature" not in dkim.prepare(content).names


def test_signatures_have_no_length_tag_and_oversign_the_author() -> None:
    canonical = dkim.prepare(b"From: a@example.com\r\n\r\nHello")
    field = dkim.signing_input(canonical, "example.com", "s", "rsa-sha256", 1).unsigned
    assert b"l=" not in field.replace(b"rel", b"")
    assert canonical.names.split(b":").count(b"from") == 2
