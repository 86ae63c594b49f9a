"""Reading a search as people type it (api.md 2.19), with errors that say which term is wrong and what may be meant.

What Postal's search takes is taken with the same meaning, a date with a time but without quotes too. Bounds: 1,000
characters, 20 terms, 4 `*` a value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.domain.errors import QuerySyntax
from chalicelib.domain.search import values
from chalicelib.domain.search.judge import FLAGS
from chalicelib.domain.search.moments import after, before
from chalicelib.domain.search.query import Clause, Condition, Key, Query, Value
from chalicelib.domain.search.scan import Term, terms_in
from chalicelib.domain.search.values import ANY, BadValue, Given, meant
from chalicelib.domain.search.words import fold

LONGEST_QUERY = 1_000
MOST_TERMS = 20
META = f"{Key.META}."
ORDER = "order"
_PATTERNS = (
    Key.TAG,
    Key.STREAM,
    Key.CREDENTIAL,
    Key.ROUTE,
    Key.ENDPOINT,
    Key.CAUSE,
    Key.WAIT,
    Key.PROVIDER,
    Key.POOL,
)
_READERS: dict[str, tuple[Key, Callable[[Given], Value]]] = {
    "to": (Key.TO, values.address),
    "from": (Key.FROM, values.address),
    "subject": (Key.SUBJECT, values.words),
    "status": (Key.STATUS, values.state),
    "before": (Key.RECEIVED, before),
    "after": (Key.RECEIVED, after),
    "age": (Key.AGE, values.age),
    "msgid": (Key.MSGID, values.message_id),
    "id": (Key.ID, values.number_of_message),
    "token": (Key.TOKEN, values.token),
    "domain": (Key.DOMAIN, values.domain),
    "size": (Key.SIZE, values.size),
    "tries": (Key.TRIES, values.number),
    **{key.value: (key, values.pattern) for key in _PATTERNS},
    **{key.value: (key, values.yes_or_no) for key in FLAGS},
}
# What people call a key, and what it may be that they mean.
_LIKE = {
    **{key: key for key in (*_READERS, ORDER)},
    "recipient": "to",
    "rcpt_to": "to",
    "sender": "from",
    "mail_from": "from",
    "message-id": "msgid",
    "message_id": "msgid",
    "since": "after",
    "until": "before",
    "date": "after",
    "reason": "cause",
    "larger": "size",
    "state": "status",
    "meta": f"{META}NAME",
    "metadata": f"{META}NAME",
}


@dataclass(slots=True)
class _Reading:
    """What was read until now: conditions by the key as it is typed, or by the place of a term that stands alone."""

    now: float
    conditions: dict[str | int, list[Condition]] = field(default_factory=dict)
    negated: set[str | int] = field(default_factory=set)
    is_oldest_first: bool = False


def parse_query(text: str, now: float) -> Query:
    """A query; `now` is what `age` and `7d` are counted from (epoch seconds, days begin at midnight UTC).
    `QuerySyntax` (domain/errors.py: code `query_syntax`) names the term and the key that may be meant."""
    reading = _Reading(now)
    if len(text) > LONGEST_QUERY:
        raise QuerySyntax("q", f"a search has at most {LONGEST_QUERY:,} characters")
    for place, term in enumerate(terms_in(text)):
        if place >= MOST_TERMS:
            raise QuerySyntax(term.shown, f"a search has at most {MOST_TERMS} terms")
        try:
            _read(reading, term, place)
        except BadValue as error:
            raise QuerySyntax(term.shown, str(error)) from error
    clauses = (
        Clause(tuple(conditions), is_negated=name in reading.negated)
        for name, conditions in reading.conditions.items()
    )
    return Query(tuple(clauses), reading.is_oldest_first)


def _read(reading: _Reading, term: Term, place: int) -> None:
    key = term.key.lower()
    if term.value is None:
        raise BadValue("it has no value; one with blanks or a colon stands in quotes")
    given = Given(term.value, term.is_quoted, reading.now)
    if key == ORDER:
        if term.is_negated:
            raise BadValue("an order cannot be negated")
        reading.is_oldest_first = values.is_oldest_first(given)
        return
    if not key and given.text == ANY and not term.is_negated:
        return
    name = key if key and not term.is_negated else place
    reading.conditions.setdefault(name, []).append(_condition(key, given))
    if term.is_negated:
        reading.negated.add(name)


def _condition(key: str, given: Given) -> Condition:
    if not key:
        return _bare(given)
    if key.startswith(META) and key != META:
        return Condition(Key.META, values.pattern(given), fold(key.removeprefix(META)))
    if key not in _READERS:
        raise BadValue(
            f"there is no key {key}{meant(key, _LIKE)}; what stands in quotes is taken as words"
        )
    about, read = _READERS[key]
    return Condition(about, read(given), given.text if about is Key.TOKEN else "")


def _bare(given: Given) -> Condition:
    """An address, or words of the subject."""
    if "@" in given.text:
        return Condition(Key.ADDRESS, values.address(given))
    found = values.words(Given(given.text or " ", is_quoted=True, now=given.now))
    return Condition(Key.WORD, found)
