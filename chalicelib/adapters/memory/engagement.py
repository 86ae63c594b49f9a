"""Links, opens and clicks kept in the process, noted on the messages of the same world."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.memory.messages import MemoryMessageStore
from chalicelib.domain.engagement import Hit
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageId
from chalicelib.domain.tenancy import ServerId

_Key = tuple[ServerId, MessageId]


class MemoryEngagement:
    """The `Engagement` port in memory. Nothing is removed when its time is over."""

    def __init__(self, messages: MemoryMessageStore) -> None:
        self._messages = messages
        self._links: dict[_Key, tuple[str, ...]] = {}
        self._hits: dict[_Key, list[Hit]] = {}

    async def keep_links(
        self, server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
    ) -> None:
        """Store what links point to."""
        self._links[server, message] = tuple(links)

    async def link(self, server: ServerId, message: MessageId, number: int) -> str:
        """What link `number` points to; NotFound."""
        links = self._links.get((server, message), ())
        if not 1 <= number <= len(links):
            raise NotFound("There is no such link")
        return links[number - 1]

    async def record(self, server: ServerId, message: MessageId, hit: Hit, keep_until: int) -> None:
        """Keep a hit, and note it on the message."""
        self._hits.setdefault((server, message), []).append(hit)
        self._messages.note_hit(server, message, hit)

    async def hits(
        self, server: ServerId, message: MessageId, most: int = 1_000
    ) -> tuple[Hit, ...]:
        """The newest hits on a message, oldest first."""
        found = sorted(self._hits.get((server, message), ()), key=lambda hit: hit.at)
        return tuple(found[-most:])
