"""Addresses: rendered mailboxes are found, reading never fails, and what passes a door is one mailbox on the wire."""

from __future__ import annotations

import re
from email.headerregistry import Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import PermanentFailure, Rejected
from chalicelib.domain.mail.address import addresses_in, split_list, split_mailbox
from chalicelib.domain.mail.compose import read_mailbox
from chalicelib.domain.mail.mailbox import domain_of, envelope_address, identity
from chalicelib.domain.outgoing.destination import destination_of
from chalicelib.domain.smtp.commands import Extensions, rcpt_command
from gateway.commands import parse_mail, parse_rcpt

ATOM = st.text("abcXYZ019+_-", min_size=1, max_size=8)
DOMAIN = st.lists(st.text("abc019", min_size=1, max_size=8), min_size=1, max_size=3).map(".".join)
NAME = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), max_size=20)
MAILBOX = st.builds(Address, NAME, ATOM, DOMAIN)
HOSTILE = st.text(st.sampled_from(list('<>(),;:"\\[]@. ab\r\n\x00é')), max_size=40)


@given(st.lists(MAILBOX, min_size=1, max_size=5))
def test_every_rendered_mailbox_is_found(mailboxes: list[Address]) -> None:
    value = ", ".join(str(mailbox) for mailbox in mailboxes)
    specs = tuple(mailbox.addr_spec for mailbox in mailboxes)
    assert addresses_in(value) == specs
    read = [read_mailbox(entry) for entry in split_list(value)]
    assert tuple(mailbox.address for mailbox in read if mailbox) == specs


@given(HOSTILE)
def test_any_text_can_be_read(text: str) -> None:
    for found in (*addresses_in(text), *split_list(text), *(split_mailbox(text) or ())):
        assert len(found) <= len(text)
    assert all(address.strip() == address != "" for address in addresses_in(text))


@given(HOSTILE, MAILBOX)
def test_an_author_after_a_comma_is_never_lost_to_ordinary_text(text: str, author: Address) -> None:
    harmless = text.translate({ord(mark): None for mark in '<>()"\\[]:'})
    assert author.addr_spec in addresses_in(f"{harmless}, {author.addr_spec}")


PIECE = st.sampled_from(
    ["a", "b.", ".", "@", "<", ">", "(", ")", '"', "\\", ",", ";", ":", " ", "\t", "[", "]", "_", "-", "xn--", "\0",
     "\r\n", "a@b.test", "@b.test", "good.test", "(x)", '"q"', "ß", "Ü", "。", "😀", "\uff20", "\u200d",
     "\u202e", "\xa0"]
)  # fmt: skip
TYPED = st.lists(PIECE, max_size=9).map("".join) | st.text(max_size=60) | HOSTILE
# RFC 5321 section 4.1.2 with RFC 6531, but for dots in a Dot-string and underscores in a sub-domain, which are ours.
ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\U0010ffff-]"
WIRE = re.compile(
    rf'RCPT TO:<(?P<local>{ATEXT}+|"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*")'
    r"@(?P<domain>[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?|\[[0-9A-Za-z.:]+\])>\r\n"
)


def read_as_rfc5321(command: bytes) -> tuple[str, str]:
    """Local part and domain of a RCPT command, as a parser by the RFC finds them."""
    match = WIRE.fullmatch(command.decode())
    assert match is not None, command
    return match["local"], match["domain"].lower()


def assert_one_destination(passed: str) -> None:
    """An address that passed a door goes on the wire as it is, to the server of the domain that stands there."""
    envelope, domain = destination_of(Envelope("", passed))
    local, written = read_as_rfc5321(rcpt_command(envelope, Extensions()))
    assert envelope.rcpt_to == passed == envelope_address(passed)
    assert f"{local}@{written}" == identity(passed)
    assert written == domain == domain_of(passed)
    assert not set(local) & set("<>\r\n\0\u2028\u2029\u202e\x85")
    assert " " not in local or local.startswith('"')


@given(TYPED)
@example('"a@b"@good.test')
@example("try..this..0511@docomo.ne.jp")
@example("hans@straße.test")
def test_an_address_that_passes_over_http_is_one_destination(text: str) -> None:
    mailbox = read_mailbox(text)
    if mailbox is not None:
        assert_one_destination(mailbox.address)


@given(TYPED, st.booleans())
@example("try..this..0511@docomo.ne.jp", False)
@example('"a b"@good.test', True)
def test_an_address_that_passes_over_smtp_is_one_destination(text: str, smtputf8: bool) -> None:
    for argument in (f"TO:<{text}>", f"TO:{text}", f"TO: <{text}> NOTIFY=NEVER"):
        try:
            passed = parse_rcpt(argument.encode("utf-8", "surrogateescape"), smtputf8).address
        except (Rejected, UnicodeEncodeError):
            continue
        assert smtputf8 or passed.isascii()
        assert_one_destination(passed)


@given(TYPED)
def test_the_doors_agree_on_bare_addresses(text: str) -> None:
    """What is an address without name, comment and brackets passes everywhere, or nowhere."""
    try:
        over_smtp = parse_mail(f"FROM:<{text}> SMTPUTF8".encode()).address or None
    except (Rejected, UnicodeEncodeError):
        over_smtp = None
    assert over_smtp == envelope_address(text)
    if over_smtp is not None:
        mailbox = read_mailbox(text)
        assert mailbox is not None
        assert mailbox.address == over_smtp


@given(TYPED)
def test_what_is_no_mailbox_reaches_nobody(text: str) -> None:
    if envelope_address(text) is None:
        with pytest.raises(PermanentFailure):
            destination_of(Envelope("", text))
