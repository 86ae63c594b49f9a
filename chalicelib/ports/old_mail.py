"""Messages from the oldest on, for whoever looks after what is kept no longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.model import BlobRef, MessageRecord
from chalicelib.domain.numbering import ServerId

MOST_FORGOTTEN = 100


class OldMail(Protocol):
    """Messages of both directions in the order of their numbers, which is that of their times but for a moment."""

    async def oldest(self, server: ServerId, after: int, limit: int) -> list[MessageRecord]:
        """At most so many records, the smallest numbers behind `after` first. Their deliveries may be left out."""

    async def forget(self, records: Sequence[MessageRecord]) -> None:
        """Forget at most MOST_FORGOTTEN messages of one server with their logs, links, opens, clicks and reports, each
        message last: what a death leaves is forgotten when this is done again. Nobody is told."""

    async def forget_conversations(self, records: Sequence[MessageRecord]) -> None:
        """Forget what was said in the attempts at at most MOST_FORGOTTEN messages of one server, as they were listed.
        Nobody is told."""

    async def put_elsewhere(self, record: MessageRecord, place: BlobRef) -> bool:
        """Have a message's body lie elsewhere, if it lies where the record says. Nobody is told."""
