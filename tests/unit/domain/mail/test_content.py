"""Messages as people and programs see them."""

from __future__ import annotations

import hashlib
import time
import tracemalloc

import pytest

from chalicelib.domain.mail.content import MOST_FIELDS, MOST_TEXT, read_content
from chalicelib.domain.mail.mime import decode_part
from tests.mail_corpus import samples

MIB = 1 << 20
MIXED = b"Content-Type: multipart/mixed; boundary=m\r\n\r\n"


def parts(*each: bytes) -> bytes:
    return MIXED + b"".join(b"--m\r\n" + part + b"\r\n" for part in each) + b"--m--\r\n"


def test_fields_are_unfolded_and_decoded_and_keep_their_names() -> None:
    found = read_content(
        b"Received: from a\r\n by b\r\nX-ODD:  =?iso-8859-1?q?J=FCrgen?= =?utf-8?b?w6k=?=\r\nno field\r\n"
        b"__proto__: \xc3\xbc\r\nSubject: caf\xe9\r\n\r\nx"
    )
    assert [(field.name, field.value) for field in found.fields] == [
        ("Received", "from a by b"),
        ("X-ODD", "Jürgené"),
        ("__proto__", "ü"),
        ("Subject", "café"),
    ]


def test_texts_of_a_kind_are_joined_by_a_line_end() -> None:
    found = read_content(
        parts(
            b"Content-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe\r\nvon uns\r\n",
            b"Content-Type: text/html\r\n\r\n<p>one</p>",
            b"\r\nlast\rline",
            b"Content-Type: text/html; charset=utf-8\r\nContent-Disposition: inline\r\n\r\n<p>\xc3\xbc</p>",
        )
    )
    assert found.text == "Grüße\nvon uns\n\nlast\nline"
    assert found.html == "<p>one</p>\n<p>ü</p>"
    assert found.attachments == ()
    assert not found.truncated


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"Subject: a\r\njust text\r\nmore\r\n", "just text\nmore\n"),
        (b"Subject: a\r\n b\r\njust text\r\n indented", "just text\n indented"),
        (b"Subject: a\r\njust text\r\n\r\nmore", "just text\n\nmore"),
        (b"Subject: a\r\njust text\r\nhttp://x.example\r\n", "just text\nhttp://x.example\n"),
        (b"Subject: a\r\njust text\r\n\r\n", "just text\n\n"),
        (b"just text\r\n", "just text\n"),
        (b"From jane Sat Nov 28\r\nSubject: a\r\n>From x\r\nX: y\r\ntext", "text"),
        (b"Subject: a\r\nno field\r\nX: y\r\n\r\nbody", "body"),
        (b"From x\r\nSubject: a\r\nFrom x\r\n\r\nbody", "body"),
        (b"Subject: a\r\n\r\nbody", "body"),
        (b"Subject: a\r\n\r\n", ""),
        (b"Subject: a\r\n", ""),
        (b"Subject: a", ""),
        (b"", ""),
    ],
)
def test_text_behind_a_missing_empty_line_is_shown(content: bytes, text: str) -> None:
    found = read_content(content)
    assert found.text == text
    fields = [field.name for field in found.fields]
    assert ("Subject" in fields) is (b"Subject" in content)


def test_a_body_behind_a_missing_empty_line_has_its_type() -> None:
    found = read_content(b"Content-Type: text/html; charset=latin1\r\n<p>gr\xfcn\r\n")
    assert (found.text, found.html) == (None, "<p>grün\n")
    several = read_content(
        b"Content-Type: multipart/mixed; boundary=m\r\npreamble\r\n--m\r\n\r\ntext\r\n--m--\r\n"
    )
    assert several.text is not None
    assert several.text.strip() == "text"


def test_what_is_not_there_is_none() -> None:
    assert read_content(b"Content-Type: text/html\r\n\r\nx").text is None
    found = read_content(b"Content-Type: image/png\r\n\r\nx")
    assert (found.text, found.html) == (None, None)


def test_attachments_are_counted_and_described() -> None:
    content = parts(
        b"Content-Type: text/plain\r\n\r\nbody",
        b"Content-Type: TEXT/Plain; name=x\r\nContent-Disposition: attachment;"
        b" filename*=utf-8''gr%C3%BC%C3%9Fe.txt\r\n\r\na",
        b"Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR",
        b"Content-Type: image/png\r\nContent-ID: <dot@x>\r\nContent-Disposition: inline;"
        b' filename="=?utf-8?q?d=C3=B6t?=.png"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=',
        b"Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx",
        b'Content-Type: application/x; name="we\\"ird\\\\name"\r\n\r\n',
    )
    found = read_content(content)
    assert [
        (one.index, one.filename, one.content_type, one.content_id, one.inline, one.size)
        for one in found.attachments
    ] == [
        (0, "grüße.txt", "text/plain", None, False, 1),
        (1, None, "text/calendar", None, False, 15),
        (2, "döt.png", "image/png", "dot@x", True, 8),
        (3, None, "message/rfc822", None, False, 19),
        (4, 'we"ird\\name', "application/x", None, False, 0),
    ]
    assert found.text == "body"
    png = found.attachments[2]
    assert decode_part(content, png.part) == b"\x89PNG\r\n\x1a\n"
    assert png.sha256 == hashlib.sha256(b"\x89PNG\r\n\x1a\n").hexdigest()


def test_texts_are_cut_between_characters() -> None:
    content = b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + "ü".encode() * 100
    found = read_content(content, most_text=9)
    assert (found.text, found.truncated) == ("üüüü", True)
    assert not read_content(content, most_text=200).truncated


def test_text_and_html_are_bounded_together() -> None:
    found = read_content(
        parts(b"\r\n" + b"a" * (3 * MIB), b"Content-Type: text/html\r\n\r\n" + b"b" * (3 * MIB))
    )
    assert len(found.text or "") + len(found.html or "") <= MOST_TEXT
    assert found.truncated


def test_two_thousand_fields_are_shown() -> None:
    assert not read_content(b"A: b\r\n" * MOST_FIELDS + b"\r\n").truncated
    found = read_content(b"A: b\r\n" * (MOST_FIELDS + 1) + b"\r\n")
    assert (len(found.fields), found.truncated) == (MOST_FIELDS, True)


def nested(depth: int) -> bytes:
    each = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i)
        for i in range(depth)
    )
    return b"".join(each) + b"\r\nx"


def test_twenty_levels_are_shown() -> None:
    assert read_content(nested(20)).text == "x"
    assert not read_content(nested(20)).truncated
    assert read_content(nested(21)).truncated


def test_a_thousand_parts_are_shown() -> None:
    assert not read_content(parts(*[b"\r\nx"] * 998)).truncated
    assert read_content(parts(*[b"\r\nx"] * 1_001)).truncated


def test_every_sample_gives_an_answer() -> None:
    for content in samples().values():
        found = read_content(content)
        assert len(found.fields) <= MOST_FIELDS


def filled(head: bytes, unit: bytes, tail: bytes = b"") -> bytes:
    return head + (unit * (MIB // len(unit) + 1))[: MIB - len(head) - len(tail)] + tail


PLAIN = b"Content-Type: text/plain; charset=%b\r\n\r\n"
HOSTILE = {
    "a million parts": filled(MIXED, b"--m\r\n\r\n"),
    "lines that begin like a delimiter": filled(MIXED + b"--m\r\n", b"\r\n--mm"),
    "such lines on every level": filled(nested(40), b"\r\n--b"),
    "deep": filled(b"", nested(500)),
    "one boundary on every level": filled(b"", b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
    "a message in a message": filled(b"", b"Content-Type: message/rfc822\r\n\r\n"),
    "encoded words": filled(b"X: ", b"=?utf-8?q?x?= ", b"\r\n\r\n"),
    "encoded words in many fields": filled(b"", b"X: =?utf-8?b?w6k=?=\r\n", b"\r\n"),
    "encoded words without an end": filled(b"X: ", b"=?utf-8?q?", b"\r\n\r\n"),
    "controls": filled(b"X: ", b"\x01", b"\r\n\r\n"),
    "line separators": filled(b"X: ", "\u2028".encode(), b"\r\n\r\n"),
    "folds": filled(b"X: ", b"\r\n ", b"\r\n\r\n"),
    "a million fields": filled(b"", b"a:\r\n"),
    "one field": filled(b"X: ", b"y", b"\r\n\r\n"),
    "attachments": filled(MIXED, b"--m\r\nContent-Type: a/b; name*0*=utf-8''%e2\r\nContent-ID: <a>\r\n\r\nxx\r\n"),
    "parameters": filled(b"Content-Type: text/plain", b";a*0=b", b"\r\n\r\nx"),
    "quotes": filled(b"Content-Type: text/plain; a=", b'"\\', b"\r\n\r\nx"),
    "quoted-printable": filled(b"Content-Transfer-Encoding: quoted-printable\r\n\r\n", b"=\r="),
    "base64": filled(b"Content-Transfer-Encoding: base64\r\n\r\n", b"\xff\r\nA"),
    **{
        f"{name} of {unit!r}": filled(PLAIN % name.encode(), unit)
        for name in ("utf-8", "windows-1253", "iso-8859-8", "gb18030", "iso-2022-jp", "euc-kr", "utf-16", "?")
        for unit in (b"\xff", b"\x81", b"\xaa", b"\x1b$B", b"\xd8\x00")
    },
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mebibyte_of_hostile_input_is_cheap(name: str) -> None:
    content = HOSTILE[name]
    assert len(content) <= MIB
    times = []
    for _ in range(3):
        started = time.process_time()
        read_content(content)
        times.append(time.process_time() - started)
    assert min(times) <= 0.1
    tracemalloc.start()
    read_content(content)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak <= 64 * MIB


def test_ten_megabytes_of_header_are_cut() -> None:
    started = time.process_time()
    found = read_content(b"X: y\r\n" * 1_700_000 + b"\r\nbody")
    assert time.process_time() - started < 0.5
    assert (found.text, found.truncated) == ("body", True)
