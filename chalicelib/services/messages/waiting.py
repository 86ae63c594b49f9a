"""What waits in a server, by where it is to go or by the reason: messages of either direction that are to be tried
again, or held.

A message that was never tried is not among them: its first attempt is made within seconds. A bounded number of each
direction is looked at, the newest first, and lists may lag by seconds.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from chalicelib.domain.flags import flag_of
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.model import MessageRecord, Scope, State
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.waits import WaitCode, wait_of
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.recent import Recent

MOST_COUNTED = 10_000
MOST_GROUPS = 100
MOST_COMPARED = 1_000
GroupOf = Callable[[MessageRecord, Endpoint | None], str | None]
"""The group that a message counts in, if in any; with the endpoint that it is for, where there is one."""


def by_domain(record: MessageRecord, endpoint: Endpoint | None) -> str:
    """The host of its endpoint, or the domain of its recipient."""
    return (endpoint and endpoint.host) or domain_of(record.message.rcpt_to)


def by_provider(record: MessageRecord, endpoint: Endpoint | None) -> str | None:
    """Who receives for the domain of its recipient; None for one that came in, or of which nobody knows."""
    return record.provider


def by_reason(record: MessageRecord, endpoint: Endpoint | None) -> str | None:
    """The code of why it waits; None for one that is done, of which the list does not know yet."""
    wait = wait_of(record)
    return None if wait is None else wait.code.value


_OF_PLACES = frozenset({WaitCode.RETRY, WaitCode.THROTTLED})
_COMPARED = frozenset({"queued", "held", "scheduled"})


@dataclass(slots=True)
class WaitingGroup:
    """What waits of one group. Times are epoch seconds; `last_reply` is what was answered to it last, if anything."""

    name: str
    waiting: int = 0
    in_progress: int = 0
    oldest_at: float | None = None
    next_attempt_at: int | None = None
    last_reply: str | None = None
    replied_at: float = 0.0

    def add(self, record: MessageRecord) -> None:
        """Count a message."""
        if record.state is State.LEASED:
            self.in_progress += 1
        else:
            self.waiting += 1
        received = record.message.received_at
        self.oldest_at = received if self.oldest_at is None else min(self.oldest_at, received)
        if record.state is State.WAITING and record.wake_at:
            known = self.next_attempt_at or record.wake_at
            self.next_attempt_at = min(known, record.wake_at)
        for delivery in record.deliveries:
            if delivery.output and delivery.at >= self.replied_at:
                self.last_reply, self.replied_at = delivery.output, delivery.at


class WaitingMail:
    """Reads what waits."""

    def __init__(self, messages: MessageStore, recent: Recent) -> None:
        self._messages = messages
        self._recent = recent

    async def grouped(self, server: ServerId, flag: str, group_of: GroupOf) -> list[WaitingGroup]:
        """The groups with the most messages that are `queued` or `held`, those with most first."""
        found: dict[str, WaitingGroup] = {}
        endpoints: dict[str, Endpoint | None] = {}
        async for record in self._flagged(server, flag):
            wanted = record.way.endpoint_id
            if wanted not in endpoints:
                endpoints[wanted] = await self._endpoint(server, wanted)
            name = group_of(record, endpoints[wanted])
            if name is not None:
                found.setdefault(name, WaitingGroup(name)).add(record)
        fullest = sorted(found.values(), key=lambda one: (-one.waiting - one.in_progress, one.name))
        return fullest[:MOST_GROUPS]

    async def others(self, record: MessageRecord) -> int | None:
        """How many other messages of its server wait for the same; at the same destination if it is to be tried again.
        None for what no list has: it is tried soon, or now."""
        wait, flag, server = wait_of(record), flag_of(record), record.message.server_id
        if wait is None or flag not in _COMPARED:
            return None
        if flag == "scheduled":
            counts = [
                await self._messages.count_flagged(server, scope, flag, MOST_COUNTED)
                for scope in Scope
            ]
            return max(0, min(MOST_COUNTED, sum(one.count for one in counts)) - 1)
        group_of = by_domain if wait.code in _OF_PLACES else by_reason
        endpoint, found = await self._endpoint(server, record.way.endpoint_id), 0
        wanted = group_of(record, endpoint)
        async for one in self._flagged(server, flag, MOST_COMPARED):
            theirs = await self._endpoint(server, one.way.endpoint_id)
            is_same = by_reason(one, theirs) == wait.code and group_of(one, theirs) == wanted
            found += is_same and one.message.id != record.message.id
        return found

    async def _endpoint(self, server: ServerId, wanted: str) -> Endpoint | None:
        if not wanted:
            return None
        return await self._recent.get(ENDPOINTS, Place(of_server(server), wanted))

    async def _flagged(
        self, server: ServerId, flag: str, most: int = MOST_COUNTED
    ) -> AsyncIterator[MessageRecord]:
        for scope in Scope:
            cursor: str | None = None
            for _ in range(most // MOST_LISTED):
                page = await self._messages.flagged(server, scope, flag, MOST_LISTED, cursor)
                for record in page.values:
                    yield record
                if (cursor := page.next_cursor) is None:
                    break
                await asyncio.sleep(0)  # others have their turn
