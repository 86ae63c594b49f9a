"""What the record of a message alone does not tell of how long it waits (api.md 2.10)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.config import Settings
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.outgoing.retry import attempts_of, gives_up_at, schedule_of
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.waits import Wait, wait_of
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

    def __init__(self, settings: Settings, waiting: WaitingMail) -> None:
        self._settings = settings
        self._waiting = waiting

    async def of(self, server: Server, record: MessageRecord) -> Waiting:
        """A message of the server."""
        usual, written = self._settings.max_attempts, server.retry_schedule
        wait, ends = wait_of(record), None
        if wait is not None:
            wait = replace(wait, others=await self._waiting.others(record))
        if record.state is State.WAITING and record.tries:
            ends = gives_up_at(schedule_of(written, usual), record.tries, record.wake_at)
        return Waiting(wait, attempts_of(written, usual), ends)
