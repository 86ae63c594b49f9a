"""After-effects of changes in the mail store: every consumer is told of every change.

The store tells of a change at least once, and in order within a source. Each consumer takes a change once by itself and
keeps its own position, so that one that fails, or is added later, is nothing to the others: all get the same changes
again, and those that had them do nothing (crash rule 9).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from chalicelib.domain.changes import Change
from chalicelib.services.events.count_changes import CountChanges
from chalicelib.services.events.count_groups import CountGroups
from chalicelib.services.events.index_mail import IndexMail
from chalicelib.services.events.publish_events import PublishEvents
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.gather import gather


class Consumer(Protocol):
    """Acts on changes, on each once however often it comes."""

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Act on changes of one source, in their order; what it did, by name, for the log. When this raises, the same
        changes come again, perhaps among others."""


class Outbox:
    """Tells the consumers, at the same time."""

    def __init__(
        self,
        counting: CountChanges,
        grouping: CountGroups,
        recording: RecordOperations,
        publishing: PublishEvents,
        indexing: IndexMail,
    ) -> None:
        told = (counting, grouping, recording, publishing, indexing)
        self._consumers: tuple[Consumer, ...] = told

    async def run(self, source: str, changes: Sequence[Change]) -> dict[str, int]:
        """Hand changes of one source to every consumer; how many there were and what was done. Raises, when all have
        ended, what the first that failed has raised; running the same changes again then does the rest."""
        # None may still be writing when the changes come again.
        done = await gather(consumer.take(source, changes) for consumer in self._consumers)
        notes = {"changes": len(changes)}
        for one in done:
            notes |= one
        return notes
