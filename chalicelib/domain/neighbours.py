"""Messages from the oldest on, given out once all that were accepted together with them are known.

Bodies are shared, and lie in one object, among messages that were accepted within a moment of each other. Whether a
body is needed is known once all of these were seen.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from chalicelib.domain.model import MessageRecord

TOGETHER_SECONDS = 60.0
"""Messages of one request or one group commit are accepted within a moment; their numbers and times may be out of order
by as long as a block of numbers is used, and by what clocks differ."""


class Neighbours:
    """Takes records by their numbers. `needs` says whether a message needs its body."""

    def __init__(self, needs: Callable[[MessageRecord], bool]) -> None:
        self._needs = needs
        self._waiting: deque[MessageRecord] = deque()
        self._needing: deque[MessageRecord] = deque()
        self._newest = 0.0

    @property
    def needing(self) -> tuple[MessageRecord, ...]:
        """The messages that need the bodies that they share with what was given out last, or will be."""
        return tuple(self._needing)

    def take(self, records: Iterable[MessageRecord]) -> list[MessageRecord]:
        """The records whose neighbours are all known by now, oldest first."""
        for record in records:
            self._waiting.append(record)
            self._newest = max(self._newest, record.message.received_at)
            if self._needs(record):
                self._needing.append(record)
        known: list[MessageRecord] = []
        while self._waiting and self._is_known(self._waiting[0]):
            known.append(self._waiting.popleft())
        if known:
            self._let_go(known[0].message.received_at - 2 * TOGETHER_SECONDS)
        return known

    def rest(self) -> list[MessageRecord]:
        """What is left when nothing follows."""
        found = list(self._waiting)
        self._waiting.clear()
        return found

    def _is_known(self, record: MessageRecord) -> bool:
        return self._newest - record.message.received_at > TOGETHER_SECONDS

    def _let_go(self, before: float) -> None:
        while self._needing and self._needing[0].message.received_at < before:
            self._needing.popleft()
