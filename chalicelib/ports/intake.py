"""Where accepted mail is taken over: its bytes, a wake-up and a record for each message."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.model import BlobRef, Message
from chalicelib.domain.numbering import ServerId

NOT_STORED = BlobRef("", 0, 0)
"""Where a body lies that has no place."""

LARGEST_PACKED = 1_000_000
"""Bodies up to this size may be stored together, which takes a copy. A larger one has an object of its own where a
client can fetch whole objects alone."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One body and, for each of its recipients, a message of one server: `messages_at` makes them once the body has its
    place. `body` is None when the messages know it; then what `messages_at` is given says nothing."""

    body: bytes | None
    server_id: ServerId
    messages_at: Callable[[BlobRef], tuple[Message, ...]]


class Intake(Protocol):
    """Makes mail durable."""

    async def store(
        self, batch: Sequence[Mail], now: float
    ) -> list[tuple[tuple[Message, bool], ...]]:
        """For each mail its messages, with the place of their body; False beside one whose id belongs to another
        message, of which nothing but a wake-up that dies may be left.

        What a crash leaves has no wake-up without its bytes and no record without its wake-up (crash rule 1). Raises
        TemporaryFailure; then nothing is promised, and a message may still go out.
        """
