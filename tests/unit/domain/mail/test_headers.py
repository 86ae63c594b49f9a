"""The header block: fields and their offsets, on ordinary and on broken bytes."""

from __future__ import annotations

import pytest

from chalicelib.domain.mail.headers import LONGEST_BLOCK, MOST_FIELDS, read_headers
from chalicelib.domain.mail.newlines import has_bare_newline, normalise_newlines

MESSAGE = (
    b"Received: from a\r\n\tby b;\r\n now\r\nFrom: Zo\xc3\xab <a@example.com>\r\nSUBJECT : =?utf-8?q?caf=C3=A9?=\r\n"
    b"From:second@example.com\r\nX-Empty:\r\n\r\nFrom: body@example.com\r\n"
)


def test_fields_stand_where_they_say() -> None:
    headers = read_headers(MESSAGE)
    assert [field.name for field in headers.fields] == [
        b"received",
        b"from",
        b"subject",
        b"from",
        b"x-empty",
    ]
    assert (
        b"".join(MESSAGE[field.start : field.end] for field in headers.fields)
        == MESSAGE[: headers.body_at - 2]
    )
    assert MESSAGE[headers.body_at :] == b"From: body@example.com\r\n"
    assert not headers.truncated


def test_values_are_unfolded_and_in_order() -> None:
    headers = read_headers(MESSAGE)
    assert headers.values(b"received") == (b"from a\tby b; now",)
    assert headers.raw_values(b"received") == [b" from a\r\n\tby b;\r\n now"]
    assert headers.values(b"from") == (b"Zo\xc3\xab <a@example.com>", b"second@example.com")
    assert headers.values(b"x-empty") == (b"",)
    assert headers.values(b"date") == ()
    assert headers.count(b"from") == 2


def test_text_is_decoded_when_asked_for() -> None:
    headers = read_headers(MESSAGE)
    assert headers.last_text("Subject") == "café"
    assert headers.last_text("date") is None
    assert headers.plain_texts("from") == ("Zoë <a@example.com>", "second@example.com")
    assert headers.texts()["from"] == ["Zoë <a@example.com>", "second@example.com"]
    assert headers.texts()["received"] == ["from a by b; now"]


def test_address_fields_keep_their_encoded_words() -> None:
    value = b"From: =?utf-8?q?x=40evil=2Eexample=2C?= <a@example.com>\r\n\r\n"
    assert read_headers(value).plain_texts("from") == (
        "=?utf-8?q?x=40evil=2Eexample=2C?= <a@example.com>",
    )


@pytest.mark.parametrize(
    ("content", "names", "body"),
    [
        (b"", [], b""),
        (b"\r\n", [], b""),
        (b"\r\n\r\n", [], b"\r\n"),
        (b"\r\nFrom: a\r\n", [], b"From: a\r\n"),
        (b"From: a", [b"from"], b""),
        (b"From: a\r\n", [b"from"], b""),
        (b"From: a\r\n\r\n", [b"from"], b""),
        (b"From: a\r\n\r\n\r\n\r\n", [b"from"], b"\r\n\r\n"),
        (b"no colon\r\nFrom: a\r\n\r\nx", [b"from"], b"x"),
        (b" continues nothing\r\nFrom: a\r\n\r\nx", [b"from"], b"x"),
        (b"From x@y Mon Jan 1 00:00:00\r\nTo: a\r\n\r\n", [b"to"], b""),
        (b": nameless\r\nTo: a\r\n\r\n", [b"to"], b""),
        (b"T\xc3\xb6: a\r\nTo\x00: b\r\nTo: a\r\n\r\n", [b"to"], b""),
        (b"A: 1\nB: 2\r\nC: 3\rD: 4\r\n\r\n", [b"a", b"c"], b""),
        (b"A: 1\r\n \r\nB: 2\r\n\r\n", [b"a", b"b"], b""),
    ],
)
def test_broken_blocks_are_read_as_far_as_they_go(
    content: bytes, names: list[bytes], body: bytes
) -> None:
    headers = read_headers(content)
    assert [field.name for field in headers.fields] == names
    assert content[headers.body_at :] == body


def test_fields_beyond_the_limit_are_not_read_and_said_to_be_missing() -> None:
    many = b"A: b\r\n" * MOST_FIELDS
    assert not read_headers(many[:-6] + b"\r\n").truncated
    headers = read_headers(many + b"From: hidden@example.com\r\n\r\nbody")
    assert headers.truncated
    assert len(headers.fields) == MOST_FIELDS
    assert headers.count(b"from") == 0


def test_a_block_beyond_the_limit_is_cut_and_said_to_be() -> None:
    content = b"Subject: " + b"x" * LONGEST_BLOCK + b"\r\nFrom: hidden@example.com\r\n\r\nbody"
    headers = read_headers(content)
    assert headers.truncated
    assert headers.fields == ()
    assert content[headers.body_at :] == b"body"


def test_a_part_of_a_message_can_be_read() -> None:
    content = b"skip\r\nA: 1\r\n\r\nbody\r\n\r\nrest"
    headers = read_headers(content, 6, 18)
    assert headers.fields[0][:2] == (b"a", b" 1")
    assert content[headers.fields[0].start : headers.fields[0].end] == b"A: 1\r\n"
    assert content[headers.body_at : 18] == b"body"


@pytest.mark.parametrize(
    ("content", "bare"),
    [
        (b"", False), (b"a\r\nb\r\n", False), (b"a\nb", True), (b"a\rb", True), (b"a\r\r\n", True), (b"a\n\r\n", True),
        (b"\n\r", True), (b"a\r", True), (b"\n", True), (b"\r\n.\n", True),
    ],
)  # fmt: skip
def test_bare_newlines_are_seen_and_normalised(content: bytes, bare: bool) -> None:
    assert has_bare_newline(content) is bare
    assert not has_bare_newline(normalise_newlines(content))
    if not bare:
        assert normalise_newlines(content) is content


def test_every_line_end_is_one_and_carriage_returns_before_a_line_feed_belong_to_it() -> None:
    assert normalise_newlines(b"a\nb\rc\r\nd\n\re\r\rf\r\r\r\n") == (
        b"a\r\nb\r\nc\r\nd\r\n\r\ne\r\n\r\nf\r\n"
    )
    doubled = MESSAGE.replace(b"\r\n", b"\r\r\n")
    assert normalise_newlines(doubled) == MESSAGE


def test_of_a_text_the_first_65_536_octets_are_decoded() -> None:
    headers = read_headers(b"Subject: " + b"a" * 65_534 + b"bc\r\n\r\n")
    assert headers.last_text("subject") == "a" * 65_534 + "b"
