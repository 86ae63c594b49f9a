"""What a server offers, and the lines that follow from it."""

from __future__ import annotations

import pytest

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import Rejected
from chalicelib.domain.reply import parse_reply
from chalicelib.domain.smtp.commands import (
    Extensions,
    ehlo_command,
    mail_command,
    rcpt_command,
    read_extensions,
)

ALL = Extensions({"SIZE": "", "8BITMIME": "", "SMTPUTF8": "", "DSN": ""})
NONE = Extensions()
PLAIN = Envelope("a@x.test", "b@y.test")


def test_extensions_are_read_without_case() -> None:
    reply = parse_reply(
        [
            b"250-mx.test hello STARTTLS",
            b"250-size 100",
            b"250-AUTH PLAIN",
            b"250-AUTH=LOGIN",
            b"250 ",
        ]
    )
    assert reply is not None
    extensions = read_extensions(reply)
    assert "SIZE" in extensions and extensions.words["SIZE"] == "100"
    assert "STARTTLS" not in extensions
    assert extensions.auth_mechanisms == ("PLAIN", "LOGIN")
    assert NONE.auth_mechanisms == ()


def test_parameters_appear_only_when_offered() -> None:
    full = Envelope(
        "a@x.test", "b@y.test", True, DsnParameters("NEVER", "rfc822;b@y", "FULL", "e+3D")
    )
    assert mail_command(full, ALL, 7, True) == (
        b"MAIL FROM:<a@x.test> SIZE=7 BODY=8BITMIME SMTPUTF8 RET=FULL ENVID=e+3D\r\n"
    )
    assert rcpt_command(full, ALL) == b"RCPT TO:<b@y.test> NOTIFY=NEVER ORCPT=rfc822;b@y\r\n"
    assert mail_command(full, NONE, 7, True) == b"MAIL FROM:<a@x.test>\r\n"
    assert rcpt_command(full, NONE) == b"RCPT TO:<b@y.test>\r\n"
    assert mail_command(PLAIN, ALL, 7, False) == b"MAIL FROM:<a@x.test> SIZE=7\r\n"
    assert mail_command(Envelope("", "b@y"), NONE, 7, False) == b"MAIL FROM:<>\r\n"


def test_an_empty_recipient_is_rejected() -> None:
    with pytest.raises(Rejected):
        rcpt_command(Envelope("a@x", ""), NONE)


@pytest.mark.parametrize(
    "bad", ["\r", "\n", "\0", "\t", "<", ">", "\x7f", "\x85", "\u2028", "\ud800", "a" * 1001]
)
def test_unsafe_addresses_are_rejected(bad: str) -> None:
    with pytest.raises(Rejected):
        mail_command(Envelope(f"a{bad}@x", "b@y"), ALL, 1, False)
    with pytest.raises(Rejected):
        rcpt_command(Envelope("a@x", f"b{bad}@y"), ALL)


@pytest.mark.parametrize("bad", [" x", "\r\n", "=", "ä", "\0", "x" * 501])
@pytest.mark.parametrize("field", ["notify", "orcpt", "ret", "envid"])
def test_unsafe_parameters_are_rejected(bad: str, field: str) -> None:
    envelope = Envelope("a@x", "b@y", dsn=DsnParameters(**{field: bad}))
    with pytest.raises(Rejected):
        mail_command(envelope, ALL, 1, False)
        rcpt_command(envelope, ALL)


def test_a_quoted_local_part_with_a_space_stands() -> None:
    assert rcpt_command(Envelope("", '"a b"@y.test'), NONE) == b'RCPT TO:<"a b"@y.test>\r\n'


@pytest.mark.parametrize("name", ["", "a b", "a\r\nb", "ä.test", "a" * 256])
def test_an_unfit_ehlo_name_is_refused(name: str) -> None:
    with pytest.raises(Rejected, match="EHLO name"):
        ehlo_command("EHLO", name)


def test_ehlo() -> None:
    assert ehlo_command("EHLO", "[192.0.2.1]") == b"EHLO [192.0.2.1]\r\n"
