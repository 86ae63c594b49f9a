"""One look into search.db, or past it into mail.db: which messages of a run may be what a query is for.

Terms narrow a search down as far as they serve; times and sizes are compared here too, and runs of messages that are
all of another time are passed over. What is left of the query is judged for each message in turn, by its record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.logs import read_records
from chalicelib.adapters.sqlite.mail_schema import key_of
from chalicelib.adapters.sqlite.records import SELECTED
from chalicelib.adapters.sqlite.search_rows import SPAN_BITS
from chalicelib.adapters.sqlite.search_tokens import expression
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.search.findable import findable_of
from chalicelib.domain.search.index_terms import wanted_by
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.query import Between, Clause, Condition, Key, Query

if TYPE_CHECKING:
    import apsw

ENDLESS = 1e300
_COLUMNS = {Key.RECEIVED: "received_at", Key.SIZE: "size"}
# What is compared stands in place of this column, and the other order in place of this one.
_COMPARED, _NEWEST = "1 AS is_wanted", "DESC"
_RUN = "key > :low AND key < :high ORDER BY key DESC LIMIT :most"
_BY_TERMS = (
    "SELECT told.key, received_at, 1 AS is_wanted FROM search CROSS JOIN told ON told.key = search.rowid"
    " WHERE search MATCH :terms AND search.rowid > :low AND search.rowid < :high"
    " ORDER BY search.rowid DESC LIMIT :most"
)
_BY_KEY = f"SELECT key, received_at, 1 AS is_wanted FROM told WHERE {_RUN}"
_PAST_IT = f"SELECT key, received_at, 1 AS is_wanted FROM messages WHERE {_RUN}"
_OF_SCOPE = "(:scope IS NULL OR scope = :scope)"
_RECORDS = (
    f"SELECT {SELECTED} FROM messages WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key"
)
_SPAN = (
    f"SELECT span FROM spans WHERE span >= :low >> {SPAN_BITS} AND span <= :high >> {SPAN_BITS}"
    " AND last >= :since AND first < :until ORDER BY span DESC LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Run:
    """Keys between two others, which do not belong to it."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Looked:
    """Keys that may be wanted; the last one that was looked at, with its time, or None at the end of the run; how many
    were looked at."""

    keys: tuple[int, ...]
    last: tuple[int, float] | None
    count: int = 0


@dataclass(slots=True)
class Look:
    """What is asked for, in the words of the databases. `terms` is empty where none narrow the search; `judged` where
    something of the query is left to judge."""

    server: ServerId
    scope: Scope | None
    query: Query
    terms: str = ""
    compared: str = "1"
    since: float = -ENDLESS
    until: float = ENDLESS
    is_judged: bool = False
    values: dict[str, float] = field(default_factory=dict)

    @property
    def is_compared(self) -> bool:
        """Whether something of what the index finds is left out."""
        return self.compared != "1"

    def in_index(self, db: apsw.Connection, run: Run, most: int) -> Looked:
        """At most so many messages of a run that search.db was told of."""
        at = self._passed_over(db, run)
        if at is None:
            return Looked((), None)
        return self._looked(db, _BY_TERMS if self.terms else _BY_KEY, self.compared, at, most)

    def past_it(self, db: apsw.Connection, run: Run, most: int) -> Looked:
        """At most so many messages of a run in mail.db."""
        return self._looked(db, _PAST_IT, f"{self.compared} AND {_OF_SCOPE}", run, most)

    def judged(self, db: apsw.Connection, keys: Sequence[int]) -> tuple[int, ...]:
        """Those that the query is for, or that mail.db does not have."""
        records = read_records(db, _RECORDS, (json.dumps(keys),)) if keys else []
        others = {
            key_of(one.message.server_id, one.message.id)
            for one in records
            if not holds(self.query, findable_of(one))
        }
        return tuple(key for key in keys if key not in others)

    def _ordered(self, statement: str) -> str:
        return statement.replace(_NEWEST, "ASC") if self.query.is_oldest_first else statement

    def _looked(self, db: apsw.Connection, text: str, compared: str, run: Run, most: int) -> Looked:
        statement = self._ordered(text).replace(_COMPARED, compared)
        wanted = {
            **self.values,
            "terms": self.terms,
            "low": run.low,
            "high": run.high,
            "scope": self.scope,
            "most": most,
        }
        named = {name: one for name, one in wanted.items() if f":{name}" in statement}
        rows: list[Any] = fetched(db, statement, named)
        last = (rows[-1][0], rows[-1][1]) if len(rows) == most else None
        return Looked(tuple(key for key, _, is_wanted in rows if is_wanted), last, len(rows))

    def _passed_over(self, db: apsw.Connection, run: Run) -> Run | None:
        """The run from where the first message of the time wanted may be; None where there is none."""
        if self.since == -ENDLESS and self.until == ENDLESS:
            return run
        wanted = {"low": run.low, "high": run.high, "since": self.since, "until": self.until}
        rows = fetched(db, self._ordered(_SPAN), wanted)
        if not rows:
            return None
        first = rows[0][0] << SPAN_BITS
        if self.query.is_oldest_first:
            return Run(max(run.low, first - 1), run.high)
        return Run(run.low, min(run.high, first + (1 << SPAN_BITS)))


def look_for(server: ServerId, scope: Scope | None, query: Query) -> Look:
    """How to look for what a query is for."""
    look = Look(server, scope, query)
    look.terms = expression(server, scope, wanted_by(query))
    for clause in query.clauses:
        if all(one.key in _COLUMNS for one in clause.conditions):
            _compare(look, clause)
        elif not wanted_by(Query((clause,))):
            look.is_judged = True
    return look


def _compare(look: Look, clause: Clause) -> None:
    """Add a clause that is about times and sizes alone."""
    any_of = " OR ".join(_bounds(look, one) for one in clause.conditions)
    text = f"NOT ({any_of})" if clause.is_negated else f"({any_of})"
    look.compared = f"{look.compared} AND {text}" if look.is_compared else text
    if len(clause.conditions) == 1 and not clause.is_negated:
        _narrow(look, clause.conditions[0])


def _bounds(look: Look, condition: Condition) -> str:
    """A condition, compared with named values."""
    value, bounds = condition.value, []
    if isinstance(value, Between):
        for sign, bound in ((">=", value.low), ("<", value.high)):
            if bound is not None:
                name = f"v{len(look.values)}"
                look.values[name] = bound
                bounds.append(f"{_COLUMNS[condition.key]} {sign} :{name}")
    return f"({' AND '.join(bounds)})" if bounds else "1"


def _narrow(look: Look, condition: Condition) -> None:
    value = condition.value
    if condition.key is Key.RECEIVED and isinstance(value, Between):
        look.since = max(look.since, -ENDLESS if value.low is None else value.low)
        look.until = min(look.until, ENDLESS if value.high is None else value.high)
