"""Where the links of tracked messages live, and their opens and clicks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.numbering import MessageId, ServerId

if TYPE_CHECKING:
    from chalicelib.domain.engagement import EngagementEvent


class Engagement(Protocol):
    """Links of tracked messages by number, and each hit on a message. What its `keep_until` has come for is not found
    any more, whenever it is removed."""

    async def keep_links(
        self, server: ServerId, message: MessageId, links: Sequence[str], keep_until: int
    ) -> None:
        """Store what link 1, 2, … of a message points to. Storing the same links again changes nothing.
        PermanentFailure when they are more than a store can keep together (300 kB compressed)."""

    async def link(self, server: ServerId, message: MessageId, number: int) -> str:
        """What link `number` (from 1) points to; NotFound."""

    async def record(
        self, server: ServerId, message: MessageId, hit: EngagementEvent, keep_until: int
    ) -> None:
        """Keep a hit, and note on the message when it was first opened and last clicked. A message that is gone
        stays gone, and its hit is kept all the same."""

    async def hits(
        self, server: ServerId, message: MessageId, most: int = 1_000
    ) -> tuple[EngagementEvent, ...]:
        """The newest `most` hits on a message, oldest of them first; empty when there are none."""

    async def named(
        self, server: ServerId, names: Sequence[tuple[MessageId, str]]
    ) -> dict[tuple[MessageId, str], EngagementEvent]:
        """Those of the hits that are there, each by its message and the name that consumers were told."""
