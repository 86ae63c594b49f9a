"""Links, opens and clicks kept in the process, noted on the messages of the same world."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.memory.messages import MemoryMessageStore
from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageId
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement

_Key = tuple[ServerId, MessageId]


class MemoryEngagement(Engagement):
    """The `Engagement` port in memory. What is over is not shown, and not removed either."""

    def __init__(self, messages: MemoryMessageStore, clock: Clock) -> None:
        self._messages = messages
        self._clock = clock
        self._links: dict[_Key, tuple[int, tuple[str, ...]]] = {}
        self._hits: dict[_Key, list[tuple[int, EngagementEvent]]] = {}

    async def keep_links(
        self, server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
    ) -> None:
        """Store what links point to."""
        self._links[server, message] = keep_until, tuple(links)

    async def link(self, server: ServerId, message: MessageId, number: int) -> str:
        """What link `number` points to; NotFound."""
        keep_until, links = self._links.get((server, message), (0, ()))
        if keep_until <= self._clock.now() or not 1 <= number <= len(links):
            raise NotFound("There is no such link")
        return links[number - 1]

    async def record(
        self, server: ServerId, message: MessageId, hit: EngagementEvent, keep_until: int
    ) -> None:
        """Keep a hit, and note it on the message."""
        self._hits.setdefault((server, message), []).append((keep_until, hit))
        self._messages.note_event(server, message, hit)

    async def hits(
        self, server: ServerId, message: MessageId, most: int = 1_000
    ) -> tuple[EngagementEvent, ...]:
        """The newest hits on a message, oldest first."""
        now, kept = self._clock.now(), self._hits.get((server, message), ())
        found = [hit for keep_until, hit in kept if keep_until > now]
        return tuple(sorted(found, key=lambda hit: hit.at)[-most:])
