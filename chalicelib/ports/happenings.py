"""What happened beside messages, on its way to whoever is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.occurrence import Occurrence


class Happenings(Protocol):
    """Hands occurrences to the consumers of the outbox, which are told of each as `Happened`."""

    async def note(self, occurrences: Sequence[Occurrence]) -> None:
        """Durable once it returns. One that is noted again, within a day, is told once. Raises TemporaryFailure, and
        then some may be noted."""
