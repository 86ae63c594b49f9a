"""What links to unsubscribe lead to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.deeds import Beside
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page


@dataclass(frozen=True, slots=True)
class UnsubscribeLink:
    """Who unsubscribes, and from which stream, by the link in a message; until `keep_until` (epoch seconds). Somebody
    first did at `unsubscribed_at`, where the message was gone: else it is noted there."""

    server: ServerId
    message: MessageId
    recipient: str
    stream: str
    keep_until: int
    unsubscribed_at: float | None = None


class UnsubscribeLinks(Protocol):
    """Recipient and stream of the links in messages, apart from these, which they outlive."""

    async def keep(self, *links: UnsubscribeLink) -> None:
        """Have links, in place of those of the same messages."""

    async def get(self, server: ServerId, message: MessageId, now: float) -> UnsubscribeLink:
        """The link in a message; NotFound when it has none, or that is over."""

    async def mark(self, link: UnsubscribeLink, at: float, told: Sequence[Beside]) -> bool:
        """Note that somebody unsubscribed by it, with what is told of that; False, and nothing changed, when it was
        noted before, or the link is gone."""

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[UnsubscribeLink]:
        """Those of a server that work, some at a time. For moves: it reads the whole list."""
