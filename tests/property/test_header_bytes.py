"""Whatever the bytes, reading a header never fails, never invents and never loses anything."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mending import mended
from chalicelib.domain.mail.newlines import has_bare_newline, normalise_newlines

MAILLIKE = st.lists(
    st.sampled_from(
        [
            b"\r\n",
            b"\r",
            b"\n",
            b":",
            b" ",
            b"\t",
            b"From",
            b"a@b",
            b"\x00",
            b"\xc3",
            b"=?utf-8?q?a?=",
        ]
    )
    | st.binary(max_size=4),
    max_size=40,
).map(b"".join)
NAME = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"),
    min_size=1,
    max_size=12,
)
VALUE = st.lists(
    st.binary(max_size=20).map(lambda text: text.translate(None, b"\r\n")), min_size=1, max_size=4
).map(b"\r\n ".join)


@given(MAILLIKE)
@example(b"\r\n \r\n")
def test_fields_lie_in_the_block_in_order_and_do_not_overlap(content: bytes) -> None:
    headers = read_headers(content)
    at = 0
    for field in headers.fields:
        assert at <= field.start < field.end <= headers.body_at
        text = content[field.start : field.end]
        assert text.removesuffix(b"\r\n").partition(b":")[2] == field.value
        assert text.lower().startswith(field.name)
        at = field.end
    assert 0 <= headers.body_at <= len(content)
    assert all(headers.count(field.name) for field in headers.fields)
    headers.texts()


@given(st.lists(st.tuples(NAME, VALUE), min_size=1, max_size=8), st.binary(max_size=30))
def test_rendered_fields_are_read_back(fields: list[tuple[str, bytes]], body: bytes) -> None:
    block = b"".join(name.encode() + b":" + value + b"\r\n" for name, value in fields)
    headers = read_headers(block + b"\r\n" + body)
    assert [(field.name, field.value) for field in headers.fields] == [
        (name.lower().encode(), value) for name, value in fields
    ]
    assert headers.body_at == len(block) + 2


@given(
    st.lists(st.tuples(NAME, VALUE), min_size=1, max_size=8),
    st.binary(max_size=30) | MAILLIKE,
    st.sampled_from([b"\r\n", b""]),
)
@example([("From ", b"a@b")], b"", b"\r\n")
def test_a_message_of_fields_is_never_mended(
    fields: list[tuple[str, bytes]], body: bytes, empty_line: bytes
) -> None:
    block = b"".join(
        name.encode() + b":" + value + b"\r\n"
        for name, value in fields
        if name.lower() not in ("message-id", "date")
    )
    content = block + (b"\r\n" + body if empty_line else b"")
    if not content.startswith(b"\r\n"):
        assert mended(content)[0] is content


@given(MAILLIKE)
def test_mending_once_is_enough_and_takes_nothing_but_empty_fields(content: bytes) -> None:
    content = normalise_newlines(content)
    made, headers = mended(content)
    assert mended(made)[0] == made
    assert made[headers.body_at :] in content
    assert all(field.value.strip(b"<> \t\r\n") for field in headers.fields if field.name == b"date")
    if b"From " not in content:
        assert made.replace(b"\r\n", b"") == content.replace(b"\r\n", b"")


@given(st.binary(max_size=200) | MAILLIKE)
def test_any_value_becomes_clean_text_no_longer_than_itself(value: bytes) -> None:
    text = decode_header(value)
    assert len(text) <= len(value)
    assert not any(character < " " or "\x7f" <= character < "\xa0" for character in text)
    text.encode("utf-8")


@given(MAILLIKE)
def test_normalising_is_complete_idempotent_and_keeps_the_rest(content: bytes) -> None:
    normal = normalise_newlines(content)
    assert not has_bare_newline(normal)
    assert normalise_newlines(normal) == normal
    assert normal.translate(None, b"\r\n") == content.translate(None, b"\r\n")
    assert has_bare_newline(content) == (normal != content)
