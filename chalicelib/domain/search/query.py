"""A search as a value: what `chalicelib.domain.search.parse` reads from text, what judges a message, and what an index
is asked by (api.md 2.19).

All clauses of a query must hold. A clause holds when one of its conditions does, or none of them when it is negated.
Moments are epoch seconds: whoever parses knows the time, whoever judges need not.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.pieces import fits


class Key(StrEnum):
    """What a condition is about. `WORD` is a bare word, `ADDRESS` a bare one with an `@`, `META` has the name of a
    metadata value beside, and `AGE` is the time received of what waits or is held."""

    WORD = "word"
    ADDRESS = "address"
    TO = "to"
    FROM = "from"
    SUBJECT = "subject"
    STATUS = "status"
    RECEIVED = "received"
    AGE = "age"
    MSGID = "msgid"
    ID = "id"
    TOKEN = "token"  # noqa: S105  a key of the language
    TAG = "tag"
    STREAM = "stream"
    CREDENTIAL = "credential"
    ROUTE = "route"
    ENDPOINT = "endpoint"
    DOMAIN = "domain"
    META = "meta"
    CAUSE = "cause"
    WAIT = "wait"
    PROVIDER = "provider"
    POOL = "pool"
    TRIES = "tries"
    SPAM = "spam"
    BOUNCE = "bounce"
    OPENED = "opened"
    CLICKED = "clicked"
    SIZE = "size"


@dataclass(frozen=True, slots=True)
class Pattern:
    """A folded text in which runs of any characters may stand between the parts; one part: exactly that. `("",)` is the
    empty value."""

    parts: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Whether it has no `*`."""
        return len(self.parts) == 1

    @property
    def is_prefix(self) -> bool:
        """Whether its one `*` is at the end."""
        return len(self.parts) == 2 and not self.parts[1]

    def fits(self, text: str) -> bool:
        """Whether a folded text is what it says."""
        return fits(self.parts, text)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Folded words that stand side by side in this order; the last may be the beginning of one."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """A number, or a moment, that is at least `low` and below `high`; None: no bound there."""

    low: float | None = None
    high: float | None = None

    def has(self, number: float) -> bool:
        """Whether a number is in it."""
        return (self.low is None or self.low <= number) and (
            self.high is None or number < self.high
        )


Value = Pattern | Phrase | Between
"""A state (`status`), a yes or a no (`spam`, `opened` …) is an exact Pattern: `sent`, `yes`."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One `key:value`; `name` is that of a metadata value, folded, or the token as it was typed."""

    key: Key
    value: Value
    name: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """One of the conditions holds, or with `is_negated` none of them."""

    conditions: tuple[Condition, ...]
    is_negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """All clauses hold; none: every message."""

    clauses: tuple[Clause, ...] = ()
    is_oldest_first: bool = False


EVERY_MESSAGE = Query()
