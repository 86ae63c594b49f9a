"""Addresses: rendered mailboxes are found, and reading never fails on any text."""

from __future__ import annotations

from email.headerregistry import Address

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.address import addresses_in, bare_address, domain_of, is_mailbox, split_list

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
    entries = split_list(value)
    assert tuple(bare_address(entry) for entry in entries) == specs
    assert all(is_mailbox(spec, smtputf8=False) for spec in specs)


@given(HOSTILE)
def test_any_text_can_be_read(text: str) -> None:
    for found in (*addresses_in(text), *split_list(text), bare_address(text)):
        assert len(found) <= len(text)
    assert all(address.strip() == address != "" for address in addresses_in(text))


@given(HOSTILE, MAILBOX)
def test_an_author_after_a_comma_is_never_lost_to_ordinary_text(text: str, author: Address) -> None:
    harmless = text.translate({ord(mark): None for mark in '<>()"\\[]:'})
    assert author.addr_spec in addresses_in(f"{harmless}, {author.addr_spec}")


@given(st.text(max_size=60) | HOSTILE)
def test_a_mailbox_is_safe_on_an_smtp_line(text: str) -> None:
    for smtputf8 in (False, True):
        if is_mailbox(text, smtputf8=smtputf8):
            assert text.isprintable() or not text.isascii()
            assert not set(text) & set("<>\r\n\x00")
            assert len(text.encode()) <= 254
            assert domain_of(text)
            assert smtputf8 or text.isascii()
