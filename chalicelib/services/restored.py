"""Stores of the past made ready to serve, by the rule of `domain/restored.py`: numbers go up, what waited is held, jobs
that send end, and whoever had signed in signs in anew. Nothing serves them meanwhile; who is stopped runs it again.

One host does the same to databases that nobody has open (`adapters/sqlite/restored.py`).
"""

from __future__ import annotations

import asyncio

from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.people.owners import ENDS_OF_SESSIONS, ENDS_OF_TICKETS
from chalicelib.domain.people.sessions import BY_END_OF_SESSION, SESSIONS
from chalicelib.domain.people.tickets import BY_END_OF_TICKET, TICKETS
from chalicelib.domain.restored import (
    KINDS,
    NUMBERS_LEFT_OUT,
    SEQUENCE_LEFT_OUT,
    Hold,
    given_up,
    held,
    is_to_hold,
)
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.repository import Repository

SEQUENCES = ("organization", "server", "pool rule", "route")
PAGE = 100
MOST_JOBS = 100_000  # that are not over, of all tenants together


class MakeRestoredReady:
    """Works through ports, a server at a time."""

    def __init__(
        self, repository: Repository, messages: MessageStore, numbers: Numbers, jobs: Jobs
    ) -> None:
        self._repository = repository
        self._messages = messages
        self._numbers = numbers
        self._jobs = jobs

    async def run(self, hold: Hold) -> int:
        """How many messages were held. Raises TemporaryFailure."""
        for kind in SEQUENCES:
            left_out = (self._repository.next_number(kind) for _ in range(SEQUENCE_LEFT_OUT))
            await asyncio.gather(*left_out)
        for session in await self._repository.all(SESSIONS, ENDS_OF_SESSIONS, BY_END_OF_SESSION):
            await self._repository.remove(SESSIONS, session)
        for ticket in await self._repository.all(TICKETS, ENDS_OF_TICKETS, BY_END_OF_TICKET):
            await self._repository.remove(TICKETS, ticket)
        await self._end_jobs(hold)
        count = 0
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            for server in await self._repository.all(SERVERS, of_organization(one.id)):
                count += await self._server(server, hold)
        return count

    async def _end_jobs(self, hold: Hold) -> None:
        """Those that would send what was sent since. Nobody else works on them now."""
        for owner, job in await self._jobs.open(MOST_JOBS):
            if (over := given_up(job, hold)) is not None:
                await self._jobs.change(owner, over)

    async def _server(self, server: Server, hold: Hold) -> int:
        for kind in KINDS:
            await self._numbers.take(server.id, kind, NUMBERS_LEFT_OUT)
        return sum([await self._scope(server, scope, hold) for scope in Scope])

    async def _scope(self, server: Server, scope: Scope, hold: Hold) -> int:
        count, cursor = 0, None
        while True:
            page = await self._messages.page(server.id, scope, PAGE, cursor)
            for record in page.values:
                if is_to_hold(record):
                    count += await self._hold(record, hold)
            cursor = page.next_cursor
            if cursor is None:
                return count

    async def _hold(self, record: MessageRecord, hold: Hold) -> bool:
        (number,) = await self._numbers.take(record.message.server_id, "delivery", 1)
        return await self._messages.replace(record, held(record, hold, number))
