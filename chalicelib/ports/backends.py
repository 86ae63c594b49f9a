"""What the installation stands on, asked how it is: its stores and its queues."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.statistics import Counts

Probe = Callable[[], Awaitable[object]]
"""Asks one part to do what it is for; raises a MailError when it does not."""


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """A queue's wake-ups, those for later included; how long the oldest that is due waits, in seconds, where that is
    known."""

    pool: str
    messages: int
    oldest_seconds: float | None = None


class Backends(Protocol):
    """Numbers may lag by seconds. Each raises TemporaryFailure."""

    def probes(self) -> Mapping[str, Probe]:
        """A probe of each part, by its name."""

    async def queues(self) -> Sequence[QueueLoad]:
        """The queue of each pool, by name, and that of incoming mail."""

    async def dead_letters(self) -> int:
        """How many wake-ups nobody could work on and nobody has held yet."""

    async def outbox_lag(self) -> float | None:
        """For how many seconds the oldest change waits that consumers have not been told of; None where nobody
        knows."""

    def clock_ahead(self) -> float | None:
        """By how many seconds this host's clock is at least ahead of that of the queues, less than nought when it is
        behind, when they were last asked for their numbers; None where they have no clock of their own."""

    async def without_past(self) -> Sequence[str] | None:
        """Tables whose past is not kept, so that nothing could be brought back; None where a copy is made otherwise."""

    async def counted(self) -> Counts | None:
        """What was counted in the whole installation since its beginning; None where that is not kept together."""

    async def posted(self) -> Counts | None:
        """The attempts at webhooks by how they ended (WebhookCount), likewise."""
