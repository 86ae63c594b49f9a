"""The terms under which an index keeps a message, and those that a query asks it for.

A term is one text, `key=value` with the value folded: `word=welcome`, `to=ada@acme.example`, `status=held`,
`meta.order=7`. An index needs nothing else to narrow a search down; what it finds is judged by the query itself, so
that it may find too much, and never too little of what it was told. Only what tells few messages from many has a term:
no empty value, no `no`. What moves without an index being told, from waiting to being sent and back, is one term,
`wait=moving`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import reduce
from operator import or_

from chalicelib.domain.model import Status
from chalicelib.domain.search.findable import Findable, domain_in
from chalicelib.domain.search.judge import FLAGS, NO, ONLY_UNFINISHED, YES, bare_message_id
from chalicelib.domain.search.query import Clause, Condition, Key, Pattern, Phrase, Query
from chalicelib.domain.search.words import fold, words_of
from chalicelib.domain.waits import WaitCode

LONGEST_TERM = 256
"""Characters; a longer value is cut."""
MOST_TERMS = 1_000
_MOVING_CODES = frozenset(
    code.value
    for code in (WaitCode.QUEUED, WaitCode.RETRY, WaitCode.SCHEDULED, WaitCode.IN_PROGRESS)
)
_STATUSES = frozenset(status.value.lower() for status in Status)
"""One of these is a status of each message."""
_MOVING_STATUSES = frozenset({"queued", "scheduled"})
_MOVING = "moving"
_SENDER_DOMAIN = "sender-domain"
_OWN_NAMES = (
    Key.TOKEN,
    Key.TAG,
    Key.STREAM,
    Key.CREDENTIAL,
    Key.ROUTE,
    Key.ENDPOINT,
    Key.CAUSE,
    Key.PROVIDER,
)
"""Keys that are called as what they ask of a message."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One of these terms, or one that begins with one of these beginnings."""

    terms: frozenset[str] = frozenset()
    beginnings: frozenset[str] = frozenset()

    def __or__(self, other: Wanted) -> Wanted:
        return Wanted(self.terms | other.terms, self.beginnings | other.beginnings)

    def is_met_by(self, terms: Iterable[str]) -> bool:
        """Whether a message with these terms is among those wanted."""
        return any(one in self.terms or one.startswith(tuple(self.beginnings)) for one in terms)


def terms_of(found: Findable) -> frozenset[str]:
    """Every term of a message; none is longer than 256 characters (a longer value is cut, and found by its beginning),
    and there are at most a thousand."""
    return frozenset(_cut(key, value) for key, value in _values(found) if value)


def wanted_by(query: Query) -> tuple[Wanted, ...]:
    """What each message that a query is for has a term of: one Wanted for each clause that terms can serve, and for
    each word of one that asks for several; empty where no clause narrows anything: then messages are looked at one
    after the other."""
    return tuple(one for clause in query.clauses for one in _of_clause(clause))


def _values(found: Findable) -> Iterator[tuple[str, str]]:
    yield from ((Key.WORD, word) for word in words_of(found.subject))
    yield from _addresses(found)
    yield from ((Key.STATUS, one) for one in found.statuses if one not in _MOVING_STATUSES)
    yield Key.MSGID, fold(bare_message_id(found.message_id))
    yield from ((key, fold(getattr(found, key.value))) for key in _OWN_NAMES)
    yield from ((f"{Key.META}.{fold(name)}", fold(one)) for name, one in found.metadata.items())
    yield from ((key, YES) for key, name in FLAGS.items() if getattr(found, name))
    if found.wait is not None:
        yield Key.WAIT, _MOVING if found.wait in _MOVING_CODES else fold(found.wait)
        yield Key.POOL, fold(found.pool)


def _addresses(found: Findable) -> Iterator[tuple[str, str]]:
    yield Key.TO, fold(found.rcpt_to)
    yield Key.FROM, fold(found.mail_from)
    yield Key.DOMAIN, domain_in(found.rcpt_to)
    yield Key.DOMAIN, fold(found.domain)
    yield _SENDER_DOMAIN, domain_in(found.mail_from)


def _of_clause(clause: Clause) -> tuple[Wanted, ...]:
    if clause.is_negated:
        return _of_negated(clause)
    each = [_of_condition(one) for one in clause.conditions]
    if not all(each):
        return ()
    return each[0] if len(each) == 1 else (reduce(or_, map(_narrowest, each)),)


def _of_negated(clause: Clause) -> tuple[Wanted, ...]:
    """Where a key has few values that are all known, what is not the one is any of the others."""
    keys = {one.key for one in clause.conditions}
    patterns = [one.value for one in clause.conditions if isinstance(one.value, Pattern)]
    key = keys.pop()
    known = {Key.STATUS: _STATUSES}.get(key, {YES, NO} if key in FLAGS else set())
    left = {one for one in known if not any(pattern.fits(one) for pattern in patterns)}
    is_narrower = not keys and set() < left < known and NO not in left
    return (Wanted(frozenset(_cut(key, one) for one in left)),) if is_narrower else ()


def _narrowest(wanted: tuple[Wanted, ...]) -> Wanted:
    """Of what must all be met the one that says most: the longest word."""
    return max(wanted, key=lambda one: max(map(len, one.terms | one.beginnings)))


def _of_condition(condition: Condition) -> tuple[Wanted, ...]:
    """What must all be met; empty where terms say nothing."""
    match condition.value:
        case Phrase() as phrase:
            return _of_phrase(phrase)
        case Pattern() as pattern:
            found = _of_pattern(condition, pattern)
        case _:
            found = None
    if found is None and condition.key in ONLY_UNFINISHED:
        return (_beginning(Key.WAIT, ""),)
    return () if found is None else (found,)


def _of_phrase(phrase: Phrase) -> tuple[Wanted, ...]:
    *whole, last = phrase.words
    end = _beginning(Key.WORD, last) if phrase.is_prefix else _term(Key.WORD, last)
    return (*(_term(Key.WORD, one) for one in dict.fromkeys(whole)), end)


def _of_pattern(condition: Condition, pattern: Pattern) -> Wanted | None:
    match condition.key:
        case Key.ID | Key.SUBJECT:
            return None
        case Key.STATUS | Key.WAIT:
            return _of_state(condition.key, pattern)
        case key if key in FLAGS:
            return _term(key, YES) if pattern.fits(YES) else None
        case Key.META:
            return _of_text(f"{Key.META}.{condition.name}", pattern)
        case Key.TO:
            return _of_address(Key.TO, Key.DOMAIN, pattern)
        case Key.FROM:
            return _of_address(Key.FROM, _SENDER_DOMAIN, pattern)
        case Key.ADDRESS:
            to = _of_address(Key.TO, Key.DOMAIN, pattern)
            sender = _of_address(Key.FROM, _SENDER_DOMAIN, pattern)
            return to | sender if to and sender else None
        case key:
            return _of_text(key, pattern)


def _of_text(key: str, pattern: Pattern) -> Wanted | None:
    first = pattern.parts[0]
    if not first:
        return None
    return _term(key, first) if pattern.is_exact else _beginning(key, first)


def _of_address(key: str, domain: str, pattern: Pattern) -> Wanted | None:
    end = pattern.parts[-1].rpartition("@")
    if not pattern.parts[0] and end[1] and end[2]:
        return _term(domain, end[2])
    return _of_text(key, pattern)


def _of_state(key: Key, pattern: Pattern) -> Wanted | None:
    wanted = _of_text(key, pattern)
    if wanted is None:
        return None
    if any(map(pattern.fits, _MOVING_CODES if key is Key.WAIT else _MOVING_STATUSES)):
        moving = _term(Key.WAIT, _MOVING)
        return moving if pattern.is_exact else wanted | moving
    return wanted


def _term(key: str, value: str) -> Wanted:
    return Wanted(frozenset({_cut(key, value)}))


def _beginning(key: str, value: str) -> Wanted:
    return Wanted(beginnings=frozenset({_cut(key, value)}))


def _cut(key: str, value: str) -> str:
    return f"{key}={value}"[:LONGEST_TERM]
