"""The few things that are changed in a submitted message, and that nothing else is."""

from __future__ import annotations

import tracemalloc

import pytest

from chalicelib.domain.mail.headers import LONGEST_BLOCK
from chalicelib.domain.mail.mending import LONGEST_MAILBOX_LINES, mended

SOUND = (
    b"Received: from a\r\n\tby b;\r\n now\r\nFrom : Zo\xc3\xab <a@example.com>\r\nX-A:\r\nMessage-ID: <1@x>\r\n"
    b"X-B: 1\r\n \r\nDate: today\r\nBcc: c@example.com\r\n\r\nFrom x y z\r\nno: field\r\n\r\n\xff"
)
FROM = b"From: a@example.com\r\n"


@pytest.mark.parametrize(
    "content",
    [
        SOUND,
        b"",
        b"\r\n",
        b"\r\nFrom x\r\n",
        FROM,
        FROM + b"Subject: no empty line",
        FROM + b"\r\nbody",
        FROM + b"Message-ID: no brackets\r\nMessage-ID: <2@x>\r\n\r\n",
        b"From : a@example.com\r\n\r\n",
        b">From: 1\r\nFromage: 2\r\n\r\n",
        FROM + b"Message-ID: (kept) <1@x>\r\nDate: (Friday) 22 Mar 2024 12:00 +0000\r\n\r\n",
    ],
)
def test_a_sound_message_stays_the_same_object(content: bytes) -> None:
    made, headers = mended(content)
    assert made is content
    assert headers.body_at <= len(content)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            b"From a@example.com Sat Jan  1 00:00:00 2022\r\n",
            b"X-Mailbox-Line: From a@example.com Sat Jan  1 00:00:00 2022\r\n",
        ),
        (b">From a@b Sat\r\n", b"X-Mailbox-Line: >From a@b Sat\r\n"),
        (
            b">>From a: b\r\nFrom c\r\n",
            b"X-Mailbox-Line: >>From a: b\r\nX-Mailbox-Line: From c\r\n",
        ),
    ],
)
def test_mbox_lines_in_front_get_a_name(before: bytes, after: bytes) -> None:
    rest = FROM + b"Subject: x\r\n\r\nFrom the body\r\n"
    made, headers = mended(before + rest)
    assert made == after + rest
    assert headers.values(b"from") == (b"a@example.com",)


@pytest.mark.parametrize(
    "line",
    [
        b"Hello there,",
        b"T\xc3\xb6: x",
        b"X Y: x",
        b": nameless",
        b"From a@example.com Sat Jan  1 00:00:00 2022",
        b"\x01A: x",
        b"-- ",
        b"\xff",
    ],
)
def test_the_header_ends_before_a_line_that_is_no_field(line: bytes) -> None:
    before, after = (
        FROM + b"Subject: x\r\n folded\r\n",
        line + b"\r\n more\r\nTo: b\r\n\r\nbody\r\n",
    )
    made, headers = mended(before + after)
    assert made == before + b"\r\n" + after
    assert [field.name for field in headers.fields] == [b"from", b"subject"]
    assert made[headers.body_at :] == after


def test_a_first_line_that_is_no_field_means_that_there_is_no_header() -> None:
    made, headers = mended(b"Hello\r\nFrom: a@example.com\r\n\r\n")
    assert made == b"\r\nHello\r\nFrom: a@example.com\r\n\r\n"
    assert headers.fields == ()


EMPTY = [
    b"", b" ", b"<>", b" <>", b" < >", b" <@>", b" (made by \\) hand)", b" (a (b) c) <>", b"\r\n \t<>\r\n\t",
    b" (open <1@x>",
]  # fmt: skip


@pytest.mark.parametrize("name", [b"Message-ID", b"message-id ", b"Date"])
@pytest.mark.parametrize("value", EMPTY)
def test_an_empty_field_is_taken_out(name: bytes, value: bytes) -> None:
    field = name + b":" + value + b"\r\n"
    made, headers = mended(FROM + field + b"Subject: x\r\n" + field + b"\r\n" + field)
    assert made == FROM + b"Subject: x\r\n\r\n" + field
    assert headers.count(name.strip().lower()) == 0


def test_of_several_fields_those_with_a_value_stay() -> None:
    made, headers = mended(FROM + b"Message-ID: <>\r\nMESSAGE-id:<1@x>\r\nMessage-ID:\r\n\r\n")
    assert made == FROM + b"MESSAGE-id:<1@x>\r\n\r\n"
    assert headers.values(b"message-id") == (b"<1@x>",)


def test_fields_are_taken_out_by_name_and_with_their_folds() -> None:
    made, _ = mended(
        b"BCC: a@b,\r\n c@d\r\n"
        + FROM
        + b"Resent-Bcc : e@f\r\nX-Bcc: g\r\nBcc:\r\n\r\nBcc: body\r\n",
        (b"bcc", b"resent-bcc"),
    )
    assert made == FROM + b"X-Bcc: g\r\n\r\nBcc: body\r\n"


@pytest.mark.parametrize(
    "value",
    [b" <@x>", b"<@example.com>", b" <[x@y]>", b"\r\n < @x>", b" \x01\x7f", b" <\x01@\x02>", b" \xff"],
)  # fmt: skip
def test_a_message_id_without_a_left_side_is_none(value: bytes) -> None:
    assert mended(FROM + b"Message-ID:" + value + b"\r\n\r\n")[0] == FROM + b"\r\n"


@pytest.mark.parametrize(
    "value", [b" <abc>", b" @x", b" 1@x", b" <1@[127.0.0.1]>", b" <a@>", b" <\x01a@x>", b" x <@y>"]
)
def test_an_odd_message_id_is_kept(value: bytes) -> None:
    content = FROM + b"Message-ID:" + value + b"\r\n\r\n"
    assert mended(content)[0] is content


def test_a_date_is_visible() -> None:
    assert mended(FROM + b"Date: \x01\x02\r\n\r\n")[0] == FROM + b"\r\n"
    odd = FROM + b"Date: <@x>\r\n\r\n"
    assert mended(odd)[0] is odd


def test_after_ten_mbox_lines_the_header_ends() -> None:
    line, named = b"From a\r\n", b"X-Mailbox-Line: From a\r\n"
    assert mended(line * 10 + FROM + b"\r\n")[0] == named * 10 + FROM + b"\r\n"
    made, headers = mended(line * 11 + FROM + b"\r\n")
    assert made == named * 10 + b"\r\n" + line + FROM + b"\r\n"
    assert headers.values(b"from") == ()


def test_an_endless_mbox_line_is_not_named() -> None:
    content = b"From " + b"a" * LONGEST_MAILBOX_LINES + b"\r\n" + FROM + b"\r\n"
    assert mended(content)[0] == b"\r\n" + content


@pytest.mark.parametrize("line", [b"x", b"X: y", b" y"])
def test_the_end_of_what_is_looked_at_is_not_the_end_of_the_header(line: bytes) -> None:
    for octets in range(LONGEST_BLOCK - 8, LONGEST_BLOCK + 8):
        start = FROM + b"X: "
        content = start + b"x" * (octets - len(start)) + b"\r\nSubject: x\r\n\r\n"
        made, headers = mended(content)
        assert made is content
        assert headers.truncated
    content = b"From: a@example.com\r\n no end" + line * LONGEST_BLOCK
    assert mended(content)[1].truncated


def test_a_header_may_end_early_in_front_of_a_long_text() -> None:
    text = b"text of many lines\r\n" * 100_000
    made, headers = mended(FROM + text)
    assert made == FROM + b"\r\n" + text
    assert headers.values(b"from") == (b"a@example.com",)


LARGE = 8 << 20


@pytest.mark.parametrize(
    "content",
    [
        b"From \r\n" * (LARGE // 7) + FROM + b"\r\nx\r\n",
        b"From \r\n" * 9 + b"Message-ID: <>\r\n" + FROM + b"Bcc: x\r\nno field\r\n" + b"x\r\n" * (LARGE // 3),
        b"Message-ID:\r\n" * (LARGE // 13) + FROM + b"\r\n",
        b"Message-ID:\r\n" * 9_000 + FROM + b"\r\n" + b"x" * LARGE,
        b">" * LARGE,
        b"x" * LARGE,
        b"\r\n" * (LARGE // 2),
    ],
    ids=["mbox lines", "everything", "empty fields", "empty fields and text", "signs", "letters", "lines"],
)  # fmt: skip
def test_mending_takes_the_memory_of_one_copy(content: bytes) -> None:
    tracemalloc.start()
    try:
        mended(content, (b"bcc",))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # What the fields of a header of the largest size need comes on top.
    assert peak < len(content) + 6 * LONGEST_BLOCK
