"""What follows MAIL and RCPT: addresses, parameters and the exact refusals."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.mailbox import envelope_address
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
        ("FROM:<ä@ö.test> smtputf8".encode(), MailCommand("ä@xn--nda.test", smtputf8=True)),
        (b"FROM:hello@demo.test", MailCommand("hello@demo.test")),
        (b"FROM: hello@demo.test SIZE=5 BODY=7BIT", MailCommand("hello@demo.test", 5)),
        (b'FROM:"ab"@c.test', MailCommand('"ab"@c.test')),
        (b"FROM:<.a..b.@c_d.test>", MailCommand(".a..b.@c_d.test")),
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
        (b"TO:<try..this..0511@docomo.ne.jp>", RcptCommand("try..this..0511@docomo.ne.jp")),
        (b"TO:<john@abc_d.example.com>", RcptCommand("john@abc_d.example.com")),
        (b"TO:a..b@c_d.test", RcptCommand("a..b@c_d.test")),
        (b"TO:a@b.test NOTIFY=never", RcptCommand("a@b.test", "NEVER")),
        (b"TO:<a@xn--strae-oqa.test>", RcptCommand("a@xn--strae-oqa.test")),
        (b"TO:<a--b@c--d.test>", RcptCommand("a--b@c--d.test")),
    ],
)
def test_rcpt(argument: bytes, command: RcptCommand) -> None:
    assert parse_rcpt(argument, smtputf8=False) == command


@pytest.mark.parametrize(
    ("argument", "reply"),
    [
        (b"", "501 5.5.4"),
        (b"a@b.test", "501 5.5.4"),
        (b"FROM:", "501 5.5.4"),
        (b"FROM:App <a@b.test>", "553 5.1.3"),
        (b"FROM:a@b.test>", "501 5.5.4"),
        (b"FROM:<<a@b.test>>", "501 5.5.4"),
        (b"FROM:a@b.test SIZE", "501 5.5.4"),
        (b"FROM:a@b.test c@d.test", "555 5.5.4"),
        (b'FROM:"a b"@c.test', "553 5.1.3"),
        (b"FROM:a", "553 5.1.3"),
        (b"FROM:@relay.test:a@b.test", "553 5.1.3"),
        (b"FROM:a@b.test,c@d.test", "553 5.1.3"),
        (b"FROM:<a@b.test", "501 5.5.4"),
        (b"FROM:<a@b.test>SIZE=1", "501 5.5.4"),
        (b"FROM:<@relay.test:a@b.test>", "553 5.1.3"),
        (b"FROM:<a>", "553 5.1.3"),
        (b'FROM:<"a>b"@b.test>', "553 5.1.3"),
        (b"FROM:<a@b@c.test>", "553 5.1.3"),
        (b"FROM:<a@b(x).test>", "553 5.1.3"),
        (b"FROM:<a@xn--a.test>", "553 5.1.3"),
        (b"FROM:<a@b--.test>", "553 5.1.3"),
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
        (b"TO:<webmaster>", "501 5.1.3 Invalid RCPT TO"),
        (b"TO:webmaster", "501 5.1.3 Invalid RCPT TO"),
        (b"TO:a@b.test SIZE=1", "555 5.5.4"),
        (b'TO:<"a> ORCPT=b@c.test"@d.test>', "553 5.1.3"),
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
    ("address", "written"),
    [
        ("hans@straße.test", "hans@xn--strae-oqa.test"),
        ("a@😀.ws", "a@xn--e28h.ws"),
        ("a@example。test", "a@example.test"),
        ("\u0646\u0627\u0645\u0647\u200c\u0627\u06cc@b.test", None),
        ("\u0dc1\u0dca\u200d\u0dbb\u0dd3@b.test", None),
    ],
)
def test_with_smtputf8_the_domain_goes_on_in_ascii(address: str, written: str | None) -> None:
    for argument in (f"TO:<{address}>", f"TO:{address}"):
        command = parse_rcpt(argument.encode(), smtputf8=True)
        assert command == RcptCommand(written or address)


@pytest.mark.parametrize(
    "address", ["a\u202eb@c.test", "a\u2028b@c.test", "a\u0085b@c.test", "a\u00a0b@c.test"]
)
def test_with_smtputf8_no_sign_that_turns_or_breaks_a_line_passes(address: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_rcpt(f"TO:<{address}>".encode(), smtputf8=True)
    assert str(refused.value.reply).startswith("553 5.1.3")


def test_a_surrogate_is_no_utf_8() -> None:
    with pytest.raises(Rejected) as refused:
        parse_rcpt(b"TO:<a\xed\xa0\x80@b.test>", smtputf8=True)
    assert str(refused.value.reply).startswith("501 5.5.4")


@pytest.mark.parametrize(
    "address",
    ["a@b", "a.b@c.d", "x+y@a-b.test", "!#$%&'*@b.test", "1@2.3", "a@b-.test", "-@-", ".@b", "a..b@c_d.e",
     "a@_", "a@xn--a", "a@xn--nda", "a@b..c", "a@.b", "x" * 64 + "@b", "x" * 65 + "@b", "a@" + "b" * 64,
     "a@" + ".".join(["b" * 62] * 3), "a@" + ".".join(["b" * 62] * 3) + ".cc"],
)  # fmt: skip
def test_the_short_way_agrees_with_the_strict_check(address: str) -> None:
    try:
        accepted = parse_rcpt(f"TO:<{address}>".encode(), smtputf8=False).address == address
    except Rejected:
        accepted = False
    assert accepted == (envelope_address(address) is not None)


@pytest.mark.parametrize(
    "unit", [b" ", b"<", b'"', b"\\", b"a.", b"a@", b"(", b"a=b ", b"\xc3\xa4"]
)
def test_parsing_is_linear(unit: bytes) -> None:
    def attempt(argument: bytes) -> None:
        for start in (b"FROM:<", b"FROM:", b"FROM:<a@b.test> ", b"FROM:a@b.test "):
            try:
                parse_mail(start + argument)
            except Rejected:
                continue

    size = 262_144 // len(unit)
    assert_linear(attempt, unit * size, unit * size * 4)
