"""Header fields: encoded and folded so that mail programs read back what was given, or refused."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser
from typing import Any

import pytest

from chalicelib.domain.mail.header_rendering import (
    Mailbox,
    content_type_fault,
    name_fault,
    render_mailboxes,
    render_parameters,
    render_text,
    text_fault,
    value_fault,
)


def parsed(field: bytes) -> Any:
    message = BytesParser(policy=policy.default).parsebytes(field + b"\r\nbody")
    assert len(message.keys()) == 1
    return message[message.keys()[0]]


def lines(field: bytes) -> list[bytes]:
    assert field.endswith(b"\r\n")
    return field[:-2].split(b"\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "",
        "Grüße",
        "Hello Jürgen and Zoë goodbye",
        "a" * 2_000,
        "ü" * 500,
        "😀" * 100,
        "word " * 100 + "end",
        "日本語の件名です" * 20,
        "mixed ünïcode " * 30 + "plain tail of the line",
        "double  spaces   kept",
    ],
)
def test_text_reads_back(text: str) -> None:
    field = render_text("Subject", text)
    assert str(parsed(field)) == text
    assert max(map(len, lines(field))) <= 78
    assert all(line[:1] in b" \t" for line in lines(field)[1:])
    assert all(line.strip() for line in lines(field))
    assert field.isascii()


def test_ascii_text_is_left_as_it_is() -> None:
    assert render_text("X-Test", "plain value") == b"X-Test: plain value\r\n"
    encoded = "=?utf-8?q?already_encoded?="
    assert render_text("Subject", encoded) == f"Subject: {encoded}\r\n".encode()


def test_a_long_word_moves_to_the_next_line_and_stays_whole() -> None:
    url = "<https://acme.test/" + "x" * 300 + ">"
    field = render_text("List-Unsubscribe", f"first, {url}")
    assert b"\r\n " + url.encode() in field


def test_a_long_name_leaves_the_first_line_to_itself() -> None:
    field = render_text("X-" + "n" * 74, "ü" * 30)
    assert max(map(len, lines(field))) <= 78
    assert str(parsed(field)).strip() == "ü" * 30


@pytest.mark.parametrize(
    "mailbox",
    [
        Mailbox("", "a@example.com"),
        Mailbox("App", "a@example.com"),
        Mailbox("Doe, John", "a@example.com"),
        Mailbox('say "hi" \\ bye', "a@example.com"),
        Mailbox("Jürgen Müller", "a@example.com"),
        Mailbox("evil@victim.test, ", "a@example.com"),
        Mailbox("evil@victim.test>, <x", "a@example.com"),
        Mailbox("Ünï <evil@victim.test>", "a@example.com"),
        Mailbox("(comment", "a@example.com"),
        Mailbox("a;b:c", "a@example.com"),
        Mailbox("日本" * 60, "a@example.com"),
        Mailbox("=?utf-8?q?half", "a@example.com"),
    ],
)
def test_a_mailbox_stays_exactly_one_mailbox(mailbox: Mailbox) -> None:
    field = render_mailboxes("From", [mailbox])
    (found,) = parsed(field).addresses
    assert found.addr_spec == mailbox.address
    # CPython's parser keeps the white space between encoded words that RFC 2047 section 6.2 drops.
    assert found.display_name.replace(" ", "") == mailbox.display.replace(" ", "")
    assert max(map(len, lines(field))) <= 78
    assert field.isascii()


def test_many_mailboxes_are_folded_between_them() -> None:
    mailboxes = [Mailbox(f"Nämé {n}", f"user{n}@example.com") for n in range(50)]
    field = render_mailboxes("To", mailboxes)
    assert [address.addr_spec for address in parsed(field).addresses] == [
        mailbox.address for mailbox in mailboxes
    ]
    assert max(map(len, lines(field))) <= 78


def test_an_address_beyond_ascii_is_written_in_utf8() -> None:
    mailbox = Mailbox("", "jürgen@example.com")
    assert mailbox.needs_smtputf8
    assert render_mailboxes("To", [mailbox]) == "To: jürgen@example.com\r\n".encode()


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        'quo"te\\.txt',
        "naïve résumé.pdf",
        "日本語のファイル名" * 12 + ".txt",
        "a" * 200,
        "semi; colon=x.txt",
        "percent%20.txt",
        "it's.txt",
    ],
)
def test_file_names_read_back(name: str) -> None:
    field = render_parameters("Content-Disposition", "attachment", [("filename", name)])
    message = BytesParser(policy=policy.default).parsebytes(field + b"\r\nx")
    assert message.get_filename() == name
    assert max(map(len, lines(field))) <= 78
    assert field.isascii()


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "ä", "a\r\n", "a\nb", "a\x00", "a\t", "\x7f", "a" * 77]
)
def test_bad_header_names(name: str) -> None:
    assert name_fault(name) is not None


@pytest.mark.parametrize("name", ["X-A", "x_a", "a" * 76, "!#$%&'*+", "__proto__"])
def test_good_header_names(name: str) -> None:
    assert name_fault(name) is None


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nb",
        "a\n",
        "\r",
        "\x00",
        "\x0b",
        "\x0c",
        "\x1b[0m",
        "\x7f",
        "\x85",
        "\u2028",
        "\ud800",
        "x" * 8_193,
    ],
)
def test_texts_that_would_break_out(text: str) -> None:
    assert text_fault(text) is not None
    assert value_fault(text) is not None


def test_texts_that_fit() -> None:
    assert text_fault("tab\tand ünïcode 😀") is None
    assert value_fault("a " * 4_000) is None
    assert value_fault("a" * 901) is not None
    assert text_fault("a" * 901) is None


@pytest.mark.parametrize(
    ("value", "is_good"),
    [
        ("text/plain", True),
        ('text/plain; charset="utf-8"', True),
        ("text/plain;charset=utf-8;x=y", True),
        ("application/vnd.ms-excel", True),
        ('image/png; name="a b;c.png"', True),
        ("text", False),
        ("text/plain\r\nX: y", False),
        ("text/plain; charset=\x00", False),
        ("text/plain; x", False),
        ("text/plän", False),
        ("", False),
        ("a/" + "b" * 300, False),
    ],
)
def test_content_types(value: str, is_good: bool) -> None:
    assert (content_type_fault(value) is None) == is_good
