"""The few things that are changed in a submitted message, and that nothing else is."""

from __future__ import annotations

import pytest

from chalicelib.domain.mending import mended

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
