"""Accepted mail taken over in one transaction: bodies first, then records and wake-ups."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.bell import Bell
from chalicelib.adapters.sqlite.database import FULL
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.messages import create
from chalicelib.adapters.sqlite.queue import SqliteWorkQueue, add_first_job
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
        bell: Bell,
    ) -> None:
        self._folder = folder
        self._database = database
        self._segments = segments
        self._queue = queue
        self._bell = bell

    async def store(self, batch: Sequence[Mail], now: float) -> Stored:
        """One transaction, with those of others. PoolMissing when a pool has no queue, OutOfSpace when there is hardly
        any room left."""
        if self._folder.is_full:
            raise OutOfSpace(FULL)

        def store(db: apsw.Connection) -> Stored:
            return [self._stored(db, mail, now) for mail in batch]

        stored = await self._database.write(store)
        self._bell.ring()
        return stored

    def _stored(
        self, db: apsw.Connection, mail: Mail, now: float
    ) -> tuple[tuple[Message, bool], ...]:
        ref = NOT_STORED
        if mail.body is not None:
            (ref,) = self._segments.append(mail.server_id, [mail.body], now)
        messages = mail.messages_at(ref)
        for pool in {message.origin.pool for message in messages}:
            self._queue.check(pool)
        found = tuple((message, create(db, message)) for message in messages)
        for message, is_new in found:
            if is_new:
                add_first_job(db, message, now)
        return found
