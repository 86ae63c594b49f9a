"""What the record of a message alone does not tell of how long it waits (api.md 2.10)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.outgoing.retry import attempts_of, gives_up_at, schedule_of
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.waits import Wait, WaitCode, wait_of
from chalicelib.ports.queue import WorkQueue
from chalicelib.services.messages.waiting import WaitingMail


@dataclass(frozen=True, slots=True)
class Waiting:
    """Why it waits, with how many others do, None when it is done; how often it is tried at most, and when it is given
    up if it is to be tried again and every attempt fails."""

    wait: Wait | None
    most_tries: int
    gives_up_at: float | None


class ExplainWait:
    """Looks at what else waits, and at the server's schedule."""

    def __init__(self, settings: Settings, waiting: WaitingMail, queue: WorkQueue) -> None:
        self._settings = settings
        self._queue = queue
        self._waiting = waiting

    async def of(self, server: Server, record: MessageRecord) -> Waiting:
        """A message of the server."""
        usual, written = self._settings.max_attempts, server.retry_schedule
        wait, ends = wait_of(record), None
        if wait is not None:
            others, ahead = await asyncio.gather(
                self._waiting.others(record), self._ahead(record, wait)
            )
            wait = replace(wait, others=others, ahead=ahead)
        if record.state is State.WAITING and record.tries:
            ends = gives_up_at(schedule_of(written, usual), record.tries, record.wake_at)
        return Waiting(wait, attempts_of(written, usual), ends)

    async def _ahead(self, record: MessageRecord, wait: Wait) -> int | None:
        """How many wake-ups are before the first of a message that was never tried."""
        if wait.code is not WaitCode.QUEUED:
            return None
        try:
            return await self._queue.ahead(record.message.origin.pool, wait.since)
        except TemporaryFailure:
            return None
