"""Accepted mail taken over in one transaction: bodies first, then records and wake-ups; what is
scheduled needs no wake-up yet.

A wake-up that the process itself has room for is handed to its deliverers once it is durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.contents import count_stored
from chalicelib.adapters.sqlite.database import FULL
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.in_hand import InHand
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.messages import create
from chalicelib.adapters.sqlite.queue import (
    HandedOut,
    SqliteWorkQueue,
    add_first_job,
    hand_out_first_job,
)
from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.domain.errors import OutOfSpace
from chalicelib.domain.model import Message
from chalicelib.ports.intake import NOT_STORED, Intake, Mail

if TYPE_CHECKING:
    import apsw

Stored = list[tuple[tuple[Message, bool], ...]]


class SqliteIntake(Intake):
    """The `Intake` port over mail.db and segments."""

    def __init__(
        self,
        folder: StateFolder,
        database: MailDatabase,
        segments: Segments,
        queue: SqliteWorkQueue,
        in_hand: InHand,
        bell: Bell,
    ) -> None:
        self._folder = folder
        self._database = database
        self._segments = segments
        self._queue = queue
        self._in_hand = in_hand
        self._bell = bell

    async def store(self, batch: Sequence[Mail], now: float) -> Stored:
        """One transaction, with those of others. PoolMissing when a pool has no queue, OutOfSpace when there is hardly
        any room left."""
        if self._folder.is_full:
            raise OutOfSpace(FULL)
        storing = _Storing(self._segments, self._queue, self._in_hand, now)
        stored = await self._database.write(lambda db: storing.run(db, batch), storing.ended)
        if storing.others_may_take:
            self._bell.ring()
        return stored


class _Storing:
    """The operation that stores a batch. It may be run again, and then counts anew what it hands over."""

    def __init__(
        self, segments: Segments, queue: SqliteWorkQueue, in_hand: InHand, now: float
    ) -> None:
        self.others_may_take = False
        self._segments = segments
        self._queue = queue
        self._in_hand = in_hand
        self._now = now
        self._handed: list[tuple[str, HandedOut]] = []

    def run(self, db: apsw.Connection, batch: Sequence[Mail]) -> Stored:
        self._let_go()
        return [self._stored(db, mail) for mail in batch]

    def ended(self, is_durable: bool) -> None:
        """Hand over, or reserve no longer."""
        if is_durable:
            self._in_hand.give(self._handed)
        else:
            self._let_go()

    def _let_go(self) -> None:
        for pool, _ in self._handed:
            self._in_hand.add(pool, -1)
        self._handed.clear()

    def _stored(self, db: apsw.Connection, mail: Mail) -> tuple[tuple[Message, bool], ...]:
        ref = NOT_STORED
        if mail.body is not None:
            (ref,) = self._segments.append(mail.server_id, [mail.body], self._now)
            count_stored(db, mail.server_id, (ref,))
        messages = mail.messages_at(ref)
        for pool in {message.origin.pool for message in messages}:
            self._queue.check(pool)
        found = tuple((message, create(db, message)) for message in messages)
        for message, is_new in found:
            if is_new and message.scheduled_at is None:
                self._add_job(db, message)
        return found

    def _add_job(self, db: apsw.Connection, message: Message) -> None:
        pool = message.origin.pool
        if not self._in_hand.reserve(pool):
            add_first_job(db, message, self._now)
            self.others_may_take = True
            return
        hidden_until = self._now + self._queue.visibility_seconds
        job = hand_out_first_job(db, message, hidden_until, self._in_hand.owner)
        self._handed.append((pool, job))
