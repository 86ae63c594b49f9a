"""A composed message: structure, encodings chosen for texts, and which extra headers have their way."""

from __future__ import annotations

import base64
import quopri

import pytest

from chalicelib.domain.mail.compose import (
    Attachment,
    Draft,
    Stamp,
    compose,
    encode_text,
    envelope_addresses,
    header_faults,
    read_mailbox,
)
from chalicelib.domain.mail.header_rendering import Mailbox

STAMP = Stamp("id@rp.test", "Fri, 22 Mar 2024 12:00:00 +0000", "=_m", "=_a", "=_r")
AUTHOR = Mailbox("App", "app@acme.test")


def test_the_smallest_message_byte_for_byte() -> None:
    draft = Draft(AUTHOR, to=(Mailbox("", "x@example.com"),), subject="Hi", text="Hello")
    assert compose(draft, STAMP) == (
        b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\n"
        b"From: App <app@acme.test>\r\n"
        b"To: x@example.com\r\n"
        b"Message-ID: <id@rp.test>\r\n"
        b"Subject: Hi\r\n"
        b"MIME-Version: 1.0\r\n"
        b'Content-Type: multipart/mixed;\r\n boundary="=_m"; charset=UTF-8\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"--=_m\r\n"
        b'Content-Type: multipart/alternative;\r\n boundary="=_a"\r\n'
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"--=_a\r\n"
        b"Content-Type: text/plain; charset=UTF-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Hello\r\n"
        b"--=_a--\r\n"
        b"\r\n"
        b"--=_m--\r\n"
    )


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Hello\nWorld\n", "7bit"),
        ("", "7bit"),
        ("x" * 78, "7bit"),
        ("x" * 79, "quoted-printable"),
        ("Viele herzliche Grüße aus der Stadt am Rhein\n", "quoted-printable"),
        ("Grüße\n", "base64"),
        ("nul \x00 inside", "quoted-printable"),
        ("trailing space \nand tab\t\n", "7bit"),
        ("日本語のメール本文" * 10, "base64"),
        ("<p>" + "long html " * 100 + "ü</p>", "quoted-printable"),
    ],
)
def test_texts_are_encoded_so_that_they_read_back(text: str, encoding: str) -> None:
    chosen, body = encode_text(text)
    assert chosen == encoding
    decoded = {"7bit": bytes, "quoted-printable": quopri.decodestring, "base64": base64.b64decode}
    assert decoded[chosen](body).decode() == text.replace("\n", "\r\n")
    assert body.isascii()
    assert max(map(len, body.split(b"\r\n"))) <= 78
    assert body.count(b"\r") == body.count(b"\n") == body.count(b"\r\n")


@pytest.mark.parametrize("text", ["a\rb", "a\r\nb", "a\nb"])
def test_every_kind_of_newline_becomes_crlf(text: str) -> None:
    assert encode_text(text) == ("7bit", b"a\r\nb")


def test_a_custom_date_counts_only_when_it_is_one() -> None:
    good = Draft(AUTHOR, text="x", headers=(("date", "Mon, 1 Jan 2024 10:00:00 +0100"),))
    bad = Draft(AUTHOR, text="x", headers=(("Date", "yesterday"),))
    assert compose(good, STAMP).startswith(b"Date: Mon, 1 Jan 2024 10:00:00 +0100\r\nFrom")
    assert compose(bad, STAMP).startswith(b"Date: Fri, 22 Mar 2024 12:00:00 +0000\r\nFrom")
    assert compose(good, STAMP).lower().count(b"\r\ndate:") == 0
    assert b"yesterday" not in compose(bad, STAMP)


def test_a_custom_to_stays_when_nobody_is_shown() -> None:
    draft = Draft(AUTHOR, text="x", headers=(("To", "undisclosed-recipients:;"), ("bcc", "a@b.c")))
    content = compose(draft, STAMP)
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in content
    assert b"a@b.c" not in content


def test_nobody_to_show_gives_no_field() -> None:
    draft = Draft(AUTHOR, to=(Mailbox("", ""),), text="x")
    assert b"\r\nTo:" not in compose(draft, STAMP)


def test_blank_texts_give_no_part() -> None:
    content = compose(Draft(AUTHOR, text=" \n", html="<p>x"), STAMP)
    assert b"text/plain" not in content
    assert content.count(b"text/html") == 1


def test_inline_files_need_html_and_stand_beside_it() -> None:
    files = (
        Attachment("a.png", "image/png", b"1", "cid@x"),
        Attachment("b.pdf", "application/pdf", b"2"),
    )
    content = compose(Draft(AUTHOR, text="t", html="<img>", attachments=files), STAMP)
    assert content.index(b"multipart/related") < content.index(b"Content-ID: <cid@x>")
    assert content.index(b"Content-ID: <cid@x>") < content.index(b"--=_a--")
    assert content.index(b"--=_a--") < content.index(b"b.pdf")


@pytest.mark.parametrize(
    ("text", "mailbox"),
    [
        ("a@b.c", Mailbox("", "a@b.c")),
        ("App <a@b.c>", Mailbox("App", "a@b.c")),
        ('"Doe, \\"J\\"" <a@b.c>', Mailbox('Doe, "J"', "a@b.c")),
        ("a@b.c (comment)", Mailbox("", "a@b.c")),
        ("a@BÜCHER.example", Mailbox("", "a@xn--bcher-kva.example")),
        ("Doe, J <a@b.c>", Mailbox("Doe, J", "a@b.c")),
        ("a@STRAßE.example", Mailbox("", "a@xn--strae-oqa.example")),
        ("try..this..@docomo.ne.jp", Mailbox("", "try..this..@docomo.ne.jp")),
        ("<<a@b.c>>", Mailbox("", "a@b.c")),
        ("evil@v.test, <a@b.c>", None),
        ("user@good-corp.test(x)evil.test", None),
        ('"foo@psres.test> ORCPT=admin@admin.test"@example.com', None),
        ("x@" + "ü" * 70 + ".test", None),
    ],
)
def test_mailboxes_are_read(text: str, mailbox: Mailbox | None) -> None:
    assert read_mailbox(text) == mailbox


def test_headers_that_may_not_be_set() -> None:
    headers = [
        ("FROM", "x"),
        ("Content-Type", "x"),
        ("Received", "x"),
        ("Subject", "a"),
        ("subject", "b"),
        ("X-A", "1"),
        ("x-a", "2"),
    ]
    assert [name for name, _ in header_faults(headers)] == [
        "FROM",
        "Content-Type",
        "Received",
        "subject",
    ]


def test_recipients_whose_domain_is_one_in_another_spelling_are_one() -> None:
    a_label = "b@xn--bcher-kva.example"
    typed = ["A@Ex.com", "A@ex.COM", "a@ex.com", "b@bücher.example", "b@BÜCHER。example"]
    found = envelope_addresses([*typed, a_label.upper(), a_label, "odd"])
    assert found == {
        "A@Ex.com": "A@Ex.com",
        "A@ex.COM": "A@Ex.com",
        "a@ex.com": "a@ex.com",
        "b@bücher.example": a_label,
        "b@BÜCHER。example": a_label,
        "B@XN--BCHER-KVA.EXAMPLE": "B@XN--BCHER-KVA.EXAMPLE",
        a_label: a_label,
        "odd": "odd",
    }
