"""Fuzz target of searches: whatever is typed is read or refused in words, and an index loses nothing that it is for."""

from __future__ import annotations

from chalicelib.domain.errors import QuerySyntax
from chalicelib.domain.search.index_terms import LONGEST_TERM, MOST_TERMS, terms_of, wanted_by
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.parse import LONGEST_QUERY, parse_query
from chalicelib.domain.search.received import received_within
from tests.findables import ANY_TIME, findable, waiting

SEEDS = (
    b"hello welc* -tag:x\x00Hello, welcome",
    b'to: "bob@x.example" status:held size:>20kb -size:>1mb\x00subject',
    b'meta.order:7 before: 2026-03-22 12:00 after:"2 days ago"\x00order 7',
    '漢字 subject:"résumé fin*" *@bücher.example\x00漢字 Résumé ﬁnal'.encode(),
    b"tag:[blank] wait:s* age:>2h tries:>3 order:oldest-first\x00",
)
WORDS = (
    *(
        b'"',
        b'\\"',
        b"*",
        b"[blank]",
        b":",
        b"-",
        b" ",
        b"\x00",
        b"@",
        b"to:",
        b"tag:",
        b"subject:",
        b"status:",
    ),
    *(
        b"before:",
        b"age:>",
        b"size:<",
        b"meta.",
        b"7d",
        b"today",
        "é".encode(),
        b"\xcc\x81",
        "漢".encode(),
        b"\xff",
    ),
)
LONGEST_REFUSAL = 1_500


def fuzz_searches(data: bytes) -> None:
    """A search, a zero byte, and the text that messages have in all fields."""
    typed, _, text = data.decode("utf-8", "surrogateescape").partition("\x00")
    try:
        query = parse_query(typed, ANY_TIME)
    except QuerySyntax as error:
        assert len(error.public) <= LONGEST_REFUSAL
        return
    assert len(typed) <= LONGEST_QUERY
    texts = dict.fromkeys(
        ("subject", "rcpt_to", "mail_from", "tag", "pool", "message_id", "token"), text
    )
    for found in (findable(**texts), waiting(**texts, metadata={text[:40]: text[:500]})):
        terms = terms_of(found)
        assert len(terms) <= MOST_TERMS
        assert all(len(one) <= LONGEST_TERM for one in terms)
        if holds(query, found):
            assert all(one.is_met_by(terms) for one in wanted_by(query))
            assert received_within(query).has(found.received_at)
