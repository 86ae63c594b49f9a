"""The terms under which an index keeps a message, and those that a query asks it for.

A term is one text, `key=value` with the value folded: `word=welcome`, `to=ada@acme.example`, `status=held`,
`meta.order=7`. An index needs nothing else to narrow a search down; what it finds is judged by the query itself, so that
it may find too much, and never too little of what it was told.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Query


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of these terms, or one that begins with one of these beginnings."""

    terms: frozenset[str]
    beginnings: frozenset[str] = frozenset()


def terms_of(found: Findable) -> frozenset[str]:
    """Every term of a message; none is longer than 256 characters (a longer value is cut, and found by its beginning),
    and there are at most a thousand."""
    raise NotImplementedError


def wanted_by(query: Query) -> tuple[Wanted, ...]:
    """What each message that a query is for has a term of, one Wanted for each clause that terms can serve; empty where
    no clause narrows anything: then messages are looked at one after the other."""
    raise NotImplementedError
