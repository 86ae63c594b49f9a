"""Sessions, tickets and invitations that have ended, removed: until then they let nobody in, and say nothing."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.people.invitations import BY_END_OF_INVITATION, INVITATIONS
from chalicelib.domain.people.owners import (
    ENDS_OF_INVITATIONS,
    ENDS_OF_SESSIONS,
    ENDS_OF_TICKETS,
)
from chalicelib.domain.people.sessions import BY_END_OF_SESSION, SESSIONS
from chalicelib.domain.people.tickets import BY_END_OF_TICKET, TICKETS
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

MOST_IN_A_RUN = 2_000
_ENDING: tuple[tuple[Entity[Any], Owner, LookUp[Any]], ...] = (
    (SESSIONS, ENDS_OF_SESSIONS, BY_END_OF_SESSION),
    (TICKETS, ENDS_OF_TICKETS, BY_END_OF_TICKET),
    (INVITATIONS, ENDS_OF_INVITATIONS, BY_END_OF_INVITATION),
)


class ForgetEnded:
    """The hourly step."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def run(self) -> int:
        """Remove what has ended, the earliest first; how much that was."""
        now, gone = self._clock.now(), 0
        with acting(None):
            for entity, owner, look_up in _ENDING:
                found = await self._repository.all(entity, owner, look_up, fresh=False)
                ended = [one for one in found if one.expires_at <= now]
                for one in ended[: MOST_IN_A_RUN - gone]:
                    with suppress(NotFound):
                        await self._repository.remove(entity, one)
                    gone += 1
        return gone
