"""The `MailIndex` port over Parquet objects in the mail bucket. Arrow is loaded by the first call that needs it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.aws.lake.lock import LakeIsBusy, LakeLock
from chalicelib.adapters.aws.lake.marks import due_marks, mark
from chalicelib.adapters.aws.lake.objects import (
    ROWS,
    TERMS,
    LakeObjects,
    ObjectGone,
    name_of,
)
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Query
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import Candidates, MailIndex

if TYPE_CHECKING:
    from chalicelib.adapters.aws.lake.footers import Footers

MOST_IN_A_PAIR = 5_000
_TRIES = 4
_BUSY = "The index is being rewritten, try again later"


class LakeMailIndex(MailIndex):
    """Writes pairs of objects, merges them, and searches them."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._objects = LakeObjects(session, settings)
        self._lock = LakeLock(session, settings, clock)
        self._clock = clock
        self._known: Footers | None = None

    @property
    def _footers(self) -> Footers:
        if self._known is None:
            from chalicelib.adapters.aws.lake.footers import Footers

            self._known = Footers(self._objects)
        return self._known

    async def put(self, found: Sequence[Findable]) -> None:
        """One pair for at most so many; the same messages have the same name."""
        newest: dict[tuple[ServerId, MessageId], Findable] = {}
        for one in found:
            place = (one.server, one.message)
            if place not in newest or newest[place].version <= one.version:
                newest[place] = one
        ordered = list(newest.values())
        for start in range(0, len(ordered), MOST_IN_A_PAIR):
            await self._put(ordered[start : start + MOST_IN_A_PAIR])

    async def _put(self, found: Sequence[Findable]) -> None:
        from chalicelib.adapters.aws.lake.tables import packed, rows_table, terms_table

        rows = packed(ROWS, rows_table(found))
        name = name_of([one.server for one in found], hashlib.sha256(rows).hexdigest()[:24])
        # Rows first: what takes something out goes by them.
        await self._objects.write(ROWS, name, rows)
        await self._objects.write(TERMS, name, packed(TERMS, terms_table(found)))

    async def find(
        self,
        server: ServerId,
        scope: Scope | None,
        query: Query,
        limit: int,
        after: MessageId | None = None,
    ) -> Candidates:
        """Look into the objects that there are; into those that are there now, when they were merged meanwhile."""
        from chalicelib.adapters.aws.lake.find import find
        from chalicelib.adapters.aws.lake.walk import Order

        order = Order(query.is_oldest_first, after)
        for _ in range(_TRIES):
            try:
                return await find(self._objects, self._footers, server, scope, query, limit, order)
            except ObjectGone:
                continue
        raise TemporaryFailure(_BUSY)

    async def forget(
        self, server: ServerId, messages: Sequence[MessageId], *, words_later: bool = False
    ) -> None:
        """Write down that they are forgotten, and write anew what holds them. The mark stays, for what a change that
        was told late brings back."""
        if not messages:
            return
        await mark(self._objects, server, sorted(messages), self._clock.now())
        if not words_later:
            await self._take_out(server, messages)

    async def _take_out(self, server: ServerId, messages: Sequence[MessageId]) -> None:
        from chalicelib.adapters.aws.lake.merge import LeftOut
        from chalicelib.adapters.aws.lake.tidy import take_out

        async with self._lock.held():
            left_out = LeftOut({server: frozenset(messages)})
            await take_out(self._objects, self._footers, left_out)

    async def forget_server(self, server: ServerId) -> int:
        """Write down that it is forgotten, once."""
        await mark(self._objects, server, None, self._clock.now())
        return 0

    async def tidy(self, seconds: float) -> int:
        """Take out what was forgotten some time ago, then merge; how many pairs there are."""
        from chalicelib.adapters.aws.lake.tidy import next_to_merge, pairs

        until = self._clock.monotonic() + seconds
        listed = await self._objects.list()
        marks, found = due_marks(listed, self._clock.now()), pairs(listed)
        if not marks and not next_to_merge(found):
            return len(found)
        try:
            async with self._lock.held():
                return await self._tidy(marks, until)
        except LakeIsBusy:  # what it does is what this would do
            return len(found)

    async def _tidy(self, marks: Sequence[str], until: float) -> int:
        from chalicelib.adapters.aws.lake.tidy import merge_all, take_out_marked

        if marks:
            await take_out_marked(self._objects, self._footers, marks)
        return await merge_all(
            self._objects, self._footers, lambda: self._clock.monotonic() >= until
        )
