"""What follows MAIL and RCPT: addresses, parameters and the exact refusals."""

from __future__ import annotations

import pytest

from chalicelib.domain.address import is_mailbox
from chalicelib.domain.errors import Rejected
from gateway.commands import MailCommand, RcptCommand, parse_mail, parse_rcpt
from tests.growth import assert_linear


@pytest.mark.parametrize(
    ("argument", "command"),
    [
        (b"FROM:<a@b.test>", MailCommand("a@b.test")),
        (b"from: <a@b.test>", MailCommand("a@b.test")),
        (b"FROM:<>", MailCommand("")),
        (b"FROM:<> SIZE=5", MailCommand("", 5)),
        (b'FROM:<"a b"@b.test>', MailCommand('"a b"@b.test')),
        (b"FROM:<a@[192.0.2.1]>", MailCommand("a@[192.0.2.1]")),
        (b"FROM:<a@b.test> SIZE=0 BODY=8bitmime AUTH=<>", MailCommand("a@b.test", 0)),
        (b"FROM:<a@b.test> SMTPUTF8", MailCommand("a@b.test", smtputf8=True)),
        ("FROM:<ä@ö.test> smtputf8".encode(), MailCommand("ä@ö.test", smtputf8=True)),
        (b"FROM:<a@b.test> RET=full ENVID=x+2B", MailCommand("a@b.test", ret="FULL", envid="x+2B")),
    ],
)
def test_mail(argument: bytes, command: MailCommand) -> None:
    assert parse_mail(argument) == command


@pytest.mark.parametrize(
    ("argument", "command"),
    [
        (b"TO:<a@b.test>", RcptCommand("a@b.test")),
        (b"To:<a+tag@b.test>", RcptCommand("a+tag@b.test")),
        (b"TO:<a%c@b.test>", RcptCommand("a%c@b.test")),
        (b"TO:<a@b.test> NOTIFY=never", RcptCommand("a@b.test", "NEVER")),
        (b"TO:<a@b.test> notify=failure", RcptCommand("a@b.test", "FAILURE")),
        (b"TO:<a@b.test> ORCPT=rfc822;a@b", RcptCommand("a@b.test", "", "rfc822;a@b")),
    ],
)
def test_rcpt(argument: bytes, command: RcptCommand) -> None:
    assert parse_rcpt(argument, smtputf8=False) == command


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"", "501 5.5.4"),
        (b"a@b.test", "501 5.5.4"),
        (b"FROM:a@b.test", "501 5.5.4"),
        (b"FROM:<a@b.test", "501 5.5.4"),
        (b"FROM:<a@b.test>SIZE=1", "501 5.5.4"),
        (b"FROM:<@relay.test:a@b.test>", "553 5.1.3"),
        (b"FROM:<a>", "553 5.1.3"),
        (b'FROM:<"a>b"@b.test>', "553 5.1.3"),
        (b"FROM:<a@b@c.test>", "553 5.1.3"),
        (b"FROM:<a..b@c.test>", "553 5.1.3"),
        (b"FROM:< a@b.test>", "553 5.1.3"),
        (b"FROM:<" + b"a" * 65 + b"@b.test>", "553 5.1.3"),
        ("FROM:<ä@b.test>".encode(), "553 5.6.7"),
        (b"FROM:<a@b.test> SIZE=-1", "501 5.5.4"),
        (b"FROM:<a@b.test> SIZE=" + b"9" * 21, "501 5.5.4"),
        (b"FROM:<a@b.test> SIZE", "501 5.5.4"),
        (b"FROM:<a@b.test> SIZE=1 SIZE=2", "501 5.5.4"),
        (b"FROM:<a@b.test> BODY=BINARYMIME", "501 5.5.4"),
        (b"FROM:<a@b.test> SMTPUTF8=yes", "501 5.5.4"),
        (b"FROM:<a@b.test> RET=ALL", "501 5.5.4"),
        (b"FROM:<a@b.test> ENVID=a b", "555 5.5.4"),
        (b"FROM:<a@b.test> ENVID=+zz", "501 5.5.4"),
        (b"FROM:<a@b.test> ENVID=" + b"e" * 101, "501 5.5.4"),
        (b"FROM:<a@b.test> X=1", "555 5.5.4"),
    ],
)
def test_mail_refused(argument: bytes, reply: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_mail(argument)
    assert str(refused.value.reply).startswith(reply)


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"TO:<>", "501 5.1.3 RCPT TO should not be empty"),
        (b"TO:<postmaster>", "501 5.1.3 Invalid RCPT TO"),
        (b"TO:<@relay.test:a@b.test>", "553 5.1.3"),
        (b"TO:<a@b.test> NOTIFY=NEVER,SUCCESS", "501 5.5.4"),
        (b"TO:<a@b.test> NOTIFY=SUCCESS,SUCCESS", "501 5.5.4"),
        (b"TO:<a@b.test> NOTIFY=", "501 5.5.4"),
        (b"TO:<a@b.test> NOTIFY", "501 5.5.4"),
        (b"TO:<a@b.test> ORCPT=a@b.test", "501 5.5.4"),
        (b"TO:<a@b.test> ORCPT=rfc822;" + b"x" * 500, "501 5.5.4"),
        (b"TO:<a@b.test> SIZE=1", "555 5.5.4"),
        ("TO:<ä@b.test>".encode(), "553 5.6.7"),
    ],
)
def test_rcpt_refused(argument: bytes, reply: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_rcpt(argument, smtputf8=False)
    assert str(refused.value.reply).startswith(reply)


@pytest.mark.parametrize(
    "address", ["a@b", "a.b@c.d", "x+y@a-b.test", "!#$%&'*@b.test", "1@2.3", "a@b-.test", "-@-"]
)
def test_the_short_way_agrees_with_the_strict_check(address: str) -> None:
    try:
        accepted = parse_rcpt(f"TO:<{address}>".encode(), smtputf8=False).address == address
    except Rejected:
        accepted = False
    assert accepted == is_mailbox(address, smtputf8=False)


@pytest.mark.parametrize(
    "unit", [b" ", b"<", b'"', b"\\", b"a.", b"a@", b"(", b"a=b ", b"\xc3\xa4"]
)
def test_parsing_is_linear(unit: bytes) -> None:
    def attempt(argument: bytes) -> None:
        for start in (b"FROM:<", b"FROM:<a@b.test> "):
            try:
                parse_mail(start + argument)
            except Rejected:
                continue

    size = 262_144 // len(unit)
    assert_linear(attempt, unit * size, unit * size * 4)
