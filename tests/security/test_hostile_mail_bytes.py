"""Every parser of mail bytes stays linear on half a megabyte of what makes parsers quadratic (attacks A26, A28)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chalicelib.domain.domain_name import ascii_name
from chalicelib.domain.errors import Rejected
from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.mail import dkim
from chalicelib.domain.mail.address import LONGEST_FIELD, addresses_in, split_list, split_mailbox
from chalicelib.domain.mail.comments import without_comments
from chalicelib.domain.mail.eight_bit import seven_bit
from chalicelib.domain.mail.encoded_words import decode_header, has_harmful_word, hides_line_break
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mailbox import domain_of, envelope_address
from chalicelib.domain.mail.mending import mended
from chalicelib.domain.mail.mime import bodies_and_attachments, read_parts
from chalicelib.domain.mail.newlines import has_bare_newline, normalise_newlines
from chalicelib.domain.mail.parameters import read_parameters
from tests.growth import assert_linear

LARGE = 1 << 19
# Address fields are refused above this, and take longest.
LARGE_FOR = {
    "addresses_in": LONGEST_FIELD,
    "split_list": LONGEST_FIELD,
    "split_mailbox": LONGEST_FIELD,
}

SEEDS = [
    b" ", b"\t", b" \t", b"\r\n", b"\r\n ", b"\r", b"\n", b"\r\r\n", b" \r\n", b"a  ", b"a\r\n \r\n", b"\x00", b"\xff",
    b"(", b")", b"()", b"(\\)", b"<", b">", b"<>", b"<@", b"a<>", b"<a@b>", b"@", b"a@b ", b",", b";", b":", b"a:",
    b'"', b'\\"', b'""', b'"a"@', b"[", b"[]", b"\\", b"=?", b"=?a?q?", b"=?a?q?a?=", b"=?a?q?a?= ", b"?=",
    b"=", b"==", b"=\r\n", b"*0=", b"; a=", b"; a*0*=", b';a="', b"a: b\r\n", b"From: a@b\r\n", b"a\r\n", b"--b\r\n",
    b"\r\n--b", b"--b--", b"-", b"\r\n--b\r\n\r\n", b"%", b"'", b"''",
]  # fmt: skip


def header_text(seed: bytes) -> str:
    return seed.decode("latin-1")


def as_fields(text: bytes) -> bytes:
    return b"From: a@example.com\r\nX: " + text + b"\r\n\r\nbody"


def as_body(text: bytes) -> bytes:
    return b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + text


def walk(content: bytes) -> object:
    return read_parts(content, read_headers(content))


PARSERS: dict[str, Callable[[bytes], object]] = {
    "header block": lambda text: read_headers(text).texts(),
    "folded field": lambda text: read_headers(as_fields(text)).texts(),
    "decode_header": decode_header,
    "newlines": lambda text: (has_bare_newline(text), normalise_newlines(text)),
    "mended block": mended,
    "mended fields": lambda text: mended(
        b"Date:" + text + b"\r\nMessage-ID: (" + text + b"\r\n\r\n"
    ),
    "mended mbox": lambda text: mended(b"From " + text),
    "incoming head": lambda text: with_head(text + as_fields(text), None, "a@b"),
    "forged results": lambda text: with_head(
        b"Authentication-Results:" + text + b"\r\n\r\n", None, "a@b"
    ),
    "seven bit": lambda text: seven_bit(as_body(text) + b"\r\n--b\r\n\r\n\xff"),
    "seven bit text": lambda text: seven_bit(b"Date: now\r\n\r\n\xff" + text),
    "harmful words": lambda text: has_harmful_word(header_text(text)),
    "hidden line breaks": hides_line_break,
    "hidden in words": lambda text: hides_line_break(b"=?utf-8?q?" + text + b"?="),
    "comments": without_comments,
    "addresses_in": lambda text: addresses_in(header_text(text)),
    "split_list": lambda text: split_list(header_text(text)),
    "split_mailbox": lambda text: split_mailbox(header_text(text)),
    "envelope_address": lambda text: envelope_address(header_text(text)),
    "domain_of": lambda text: domain_of(header_text(text)),
    "ascii_name": lambda text: ascii_name(header_text(text)),
    "parameters": read_parameters,
    "content type": lambda text: walk(
        b"Content-Type: multipart/mixed; boundary=" + text + b"\r\n\r\n" + text
    ),
    "parts": lambda text: walk(as_body(text)),
    "bodies": lambda text: bodies_and_attachments(as_body(text)),
    "base64 part": lambda text: bodies_and_attachments(
        b"Content-Transfer-Encoding: base64\r\n\r\n" + text
    ),
    "quoted part": lambda text: bodies_and_attachments(
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + text
    ),
    "dkim body": lambda text: dkim.prepare(as_body(text)),
    "dkim fields": lambda text: dkim.prepare(as_fields(text)),
    "dkim block": lambda text: dkim.prepare(text, (b"Date: x\r\n",)),
}


@pytest.mark.parametrize("name", PARSERS)
def test_four_times_the_bytes_take_about_four_times_as_long(name: str) -> None:
    size = LARGE_FOR.get(name, LARGE)
    for seed in SEEDS:
        large = (seed * (size // len(seed) + 1))[:size]
        assert_linear(PARSERS[name], large[: size // 4], large)


@pytest.mark.parametrize("start", [b"<@a", b"a: ", b"<a", b"(", b'"', b"a <>"])
@pytest.mark.parametrize("more", [b",a", b", <@b", b"<>a", b";", b"\\"])
def test_address_fields_stay_linear_after_any_start(start: bytes, more: bytes) -> None:
    def value(size: int) -> str:
        return (start + more * (size // len(more)))[:size].decode()

    assert_linear(addresses_in, value(LONGEST_FIELD // 4), value(LONGEST_FIELD))
    assert_linear(split_mailbox, value(LONGEST_FIELD // 4), value(LONGEST_FIELD))


def test_an_endless_address_field_is_refused() -> None:
    with pytest.raises(Rejected):
        addresses_in("a@example.com, " * 5_000)


def growing(size: int) -> bytes:
    """Runs of spaces of every length."""
    runs, length, total = [], 1, 0
    while total < size:
        runs.append(b" " * length + b"x")
        total += length + 1
        length += 1
    return b"".join(runs)[:size]


@pytest.mark.parametrize("half", [b"a b ", b"a  b", b" \r\n", b"x\ty"])
def test_one_long_run_does_not_make_the_rest_expensive(half: bytes) -> None:
    def body(size: int) -> bytes:
        return as_body(b" " * (size // 2) + half * (size // 2 // len(half)))

    assert_linear(dkim.prepare, body(LARGE // 4), body(LARGE))
    assert_linear(dkim.prepare, as_body(growing(LARGE // 4)), as_body(growing(LARGE)))


def nested(levels: int, filling: int) -> bytes:
    content = b"x" * filling
    for level in range(levels):
        name = b"b%d" % level
        content = b"Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n%s\r\n--%s--\r\n" % (
            name,
            name,
            content,
            name,
        )
    return content


def test_depth_does_not_multiply_the_work() -> None:
    assert_linear(walk, nested(200, LARGE // 4), nested(200, LARGE))
    assert_linear(walk, nested(500, 0), nested(2_000, 0))


def test_a_million_parts_are_counted_to_the_limit_only() -> None:
    content = as_body(b"--b\r\n\r\n" * 150_000)
    assert len(read_parts(content, read_headers(content))) < 1_000


def test_boundaries_that_only_just_differ_are_linear() -> None:
    def almost(size: int) -> bytes:
        boundary = b"a" * 60
        line = b"\r\n--" + boundary + b"a"
        return (
            b"Content-Type: multipart/mixed; boundary="
            + boundary
            + b"\r\n\r\n"
            + line * (size // len(line))
        )

    assert_linear(walk, almost(LARGE // 4), almost(LARGE))


def test_a_million_fields_cost_memory_for_ten_thousand() -> None:
    headers = read_headers(b"a:\r\n" * 1_000_000 + b"\r\n")
    assert headers.truncated
    assert len(headers.fields) == 10_000
