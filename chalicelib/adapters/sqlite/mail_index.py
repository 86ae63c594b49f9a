"""What messages can be found by, in search.db.

A search looks into it from where it is to go on, a bounded number of messages at a time, each time in a thread, so that
mail goes on meanwhile and a search that nobody waits for any more ends. Messages that an index made anew does not have
yet are looked at one after the other in mail.db: they are found as well, only later.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, ids_of, key_of
from chalicelib.adapters.sqlite.search_fill import SearchFill
from chalicelib.adapters.sqlite.search_look import Look, Looked, Run, look_for
from chalicelib.adapters.sqlite.search_merge import LOGGED, is_merging, merge_step, parts
from chalicelib.adapters.sqlite.search_rows import SPAN_BITS, forget, refuse_server, tell, told
from chalicelib.adapters.sqlite.search_schema import SearchDatabase, note, noted
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Query
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MOST_LOOKED_AT, Candidates, MailIndex

if TYPE_CHECKING:
    import apsw

ROWS = 200
COMPARED_AT_ONCE = 10_000
JUDGED_AT_FIRST, JUDGED_AT_ONCE = 20, 500
STEPS_AT_ONCE = 50
_BELOW = "SELECT below FROM filling WHERE server = ?"
_OURS = "SELECT key FROM told WHERE key > ? AND key < ? LIMIT ?"
_OF_SERVER = (
    "DELETE FROM filling WHERE server = :server",
    f"DELETE FROM spans WHERE span >= :low >> {SPAN_BITS} AND span < :high >> {SPAN_BITS}",
)
_REFUSED_LONG_ENOUGH = (
    "DELETE FROM forgotten WHERE key IN (SELECT key FROM forgotten WHERE keep_until <= ? LIMIT ?)"
)


class SqliteMailIndex(MailIndex):
    """The `MailIndex` port over search.db."""

    def __init__(
        self, database: SearchDatabase, mail: MailDatabase, fill: SearchFill, clock: Clock
    ) -> None:
        self._database = database
        self._mail = mail
        self._fill = fill
        self._clock = clock

    async def put(self, found: Sequence[Findable]) -> None:
        """ROWS at a time."""
        for start in range(0, len(found), ROWS):
            messages = told(found[start : start + ROWS])
            await self._database.write_if_sound(lambda db, some=messages: tell(db, some))  # type: ignore[misc]

    async def find(
        self,
        server: ServerId,
        scope: Scope | None,
        query: Query,
        limit: int,
        after: MessageId | None = None,
    ) -> Candidates:
        """In steps; see the port."""
        look = look_for(server, scope, query)
        run: Run | None = _run_of(look, None if after is None else key_of(server, after))
        found: list[MessageId] = []
        count, last, most = 0, None, limit + JUDGED_AT_FIRST
        while run is not None and count < MOST_LOOKED_AT:
            looked, run = await self._database.aside(
                lambda at=run, some=most: self._looked(look, at, limit, some)  # type: ignore[misc]
            )
            most = min(JUDGED_AT_ONCE, most * 2)
            found += [ids_of(key)[1] for key in looked.keys]
            if len(found) > limit:
                return Candidates(tuple(found[:limit]), found[limit - 1])
            count, last = count + looked.count, looked.last or last
        if run is None or last is None:
            return Candidates(tuple(found))
        return Candidates(tuple(found), ids_of(last[0])[1], last[1])

    async def forget(
        self, server: ServerId, messages: Sequence[MessageId], *, words_later: bool = False
    ) -> None:
        """Marked first, ROWS at a time, then merged."""
        until = self._clock.now() + DAY
        for start in range(0, len(messages), ROWS):
            keys = [key_of(server, one) for one in messages[start : start + ROWS]]
            await self._database.write_if_sound(lambda db, some=keys: forget(db, some, until))  # type: ignore[misc]
        if not words_later:
            await self.settle()

    async def settle(self) -> None:
        """Have nothing that was forgotten lie in search.db any more."""
        while await self._database.write_if_sound(merge_step):
            pass
        await self._settled()

    async def tidy(self, seconds: float) -> int:
        """Merge, forget what was refused long enough, then tell what a new search.db lacks, with as long a pause after
        each step as the step took, so that mail goes on."""
        end = self._clock.monotonic() + seconds
        while self._clock.monotonic() < end and await self._database.write_if_sound(merge_step):
            pass
        if self._database.is_damaged:
            return 0
        if not self._database.read(is_merging):
            await self._settled()
        wanted = (self._clock.now(), ROWS)
        await self._database.write_if_sound(lambda db: fetched(db, _REFUSED_LONG_ENOUGH, wanted))
        while (begun := self._clock.monotonic()) < end and await self._fill.step():
            await asyncio.sleep(self._clock.monotonic() - begun)
        return len(self._database.read(parts))

    async def forget_server(self, server: ServerId) -> int:
        """Forget some of what was told of a server; 0 when nothing is left of it."""
        if self._database.is_damaged:
            return 0
        until = self._clock.now() + DAY
        low, high = key_of(server, 0), key_of(ServerId(server + 1), 0)
        rows = self._database.read(lambda db: fetched(db, _OURS, (low, high, ROWS)))
        keys = [key for (key,) in rows]
        await self._database.write_if_sound(lambda db: forget(db, keys, until))
        if keys:
            return len(keys)
        await self._database.write_if_sound(lambda db: refuse_server(db, server, until))
        wanted = {"server": server, "low": low, "high": high}
        for statement in _OF_SERVER:
            named = {name: one for name, one in wanted.items() if f":{name}" in statement}
            await self._database.write_if_sound(partial(_run, statement=statement, named=named))
        for _ in range(STEPS_AT_ONCE):
            if not await self._database.write_if_sound(merge_step):
                await self._settled()
                return 0
        return 1

    async def _settled(self) -> None:
        if not self._database.is_damaged and self._database.read(lambda db: noted(db, LOGGED)):
            await self._database.empty_log()
            await self._database.write_if_sound(lambda db: note(db, LOGGED, 0))

    def _looked(self, look: Look, run: Run, limit: int, judged: int) -> tuple[Looked, Run | None]:
        """What a part of a run has, and the run that is left; `judged`: of so many, where each has to be."""
        rows = self._database.read(lambda db: fetched(db, _BELOW, (look.server,)))
        below = rows[0][0] if rows else 0
        is_told = run.low >= below - 1 if look.query.is_oldest_first else run.high > below
        is_judged = bool(look.query.clauses) and (look.is_judged or not is_told)
        most = judged if is_judged else _at_once(look, limit)
        if is_told:
            part = run if look.query.is_oldest_first else Run(max(run.low, below - 1), run.high)
            looked = self._database.read(lambda db: look.in_index(db, part, most))
        else:
            part = Run(run.low, min(run.high, below))
            looked = self._mail.read(lambda db: look.past_it(db, part, most))
        if is_judged:
            kept = self._mail.read(lambda db: look.judged(db, looked.keys))
            looked = replace(looked, keys=kept)
        return looked, _left(look, run, part, looked.last)


def _at_once(look: Look, limit: int) -> int:
    """How many messages are looked at in one step, where none is judged."""
    return COMPARED_AT_ONCE if look.is_compared else limit + 1


def _run(db: apsw.Connection, statement: str, named: dict[str, int]) -> None:
    fetched(db, statement, named)


def _run_of(look: Look, after: int | None) -> Run:
    """Everything of a server, or what comes behind a message."""
    low, high = key_of(look.server, 0), key_of(ServerId(look.server + 1), 0)
    if after is None:
        return Run(low, high)
    return Run(after, high) if look.query.is_oldest_first else Run(low, after)


def _left(look: Look, run: Run, part: Run, last: tuple[int, float] | None) -> Run | None:
    """What of a run is behind the last that was looked at, or behind its part."""
    if look.query.is_oldest_first:
        left = Run(part.high - 1 if last is None else last[0], run.high)
    else:
        left = Run(run.low, part.low + 1 if last is None else last[0])
    return left if left.high - left.low > 1 else None
