"""What the attempts of one invocation share: read once, before the first claim, and not again.

Whether a server is suspended and whether a recipient is suppressed is read freshly for each batch and never kept.
Bodies are read when they are asked for. Nothing here is written.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from chalicelib.config import Settings
from chalicelib.domain.model import DeliveryJob, Message, Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Asked, Suppression
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.queue.bodies import Bodies, Room
from chalicelib.services.tenancy.directory import Directory

MOST_AT_ONCE = 50
LAST_SETTLE_SECONDS = 30
"""What stays of an invocation after its latest conversation: an outcome that the store does not take in that time is
queued, which takes no longer than QUEUE_SECONDS."""
QUEUE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class DeliveryBatch:
    """Servers and suppressions of the batch, and the way to its bodies. No attempt starts after `last_start`, and no
    outcome is offered to the store after `settle_until`; both are moments of the monotonic clock. `gate` lets so many
    attempts run at a time."""

    servers: Mapping[ServerId, Server]
    suppressions: Mapping[Asked, Suppression]
    bodies: Bodies
    last_start: float
    settle_until: float
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_AT_ONCE))

    def has_server_of(self, message: Message) -> bool:
        """Whether the mail server of a message is there."""
        return message.server_id in self.servers

    def server_of(self, message: Message) -> Server:
        """The mail server of a message; KeyError when it is gone."""
        return self.servers[message.server_id]

    def suppression_of(self, message: Message) -> Suppression | None:
        """The first entry of a suppression list that stands against a message whose server is there."""
        return self.suppressions.get(_asked(message, self.server_of(message)))


class BatchReader:
    """Reads what a batch needs. The bytes of large bodies that may be in hand are bounded for the whole process."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        suppressions: SuppressionList,
        blobs: BlobStore,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._directory = directory
        self._suppressions = suppressions
        self._blobs = blobs
        self._room = Room(settings.bytes_in_hand)

    async def read(self, jobs: Sequence[DeliveryJob], seconds: float) -> DeliveryBatch:
        """The batch of an invocation that has so many seconds left. Raises TemporaryFailure."""
        ends = self._clock.monotonic() + seconds
        servers = sorted({job.message.server_id for job in jobs})
        found = await self._directory.fresh_servers(servers)
        messages = (job.message for job in jobs if job.message.scope is Scope.OUTGOING)
        asked = {_asked(one, found[one.server_id]) for one in messages if one.server_id in found}
        listed = await self._suppressions.listed(sorted(asked), self._clock.now())
        return DeliveryBatch(
            servers=found,
            suppressions=listed,
            bodies=Bodies(
                self._blobs,
                [job.message.blob for job in jobs if job.outcome is None],
                self._room,
            ),
            last_start=ends - self._settings.deadline_seconds - LAST_SETTLE_SECONDS,
            settle_until=ends - QUEUE_SECONDS,
        )


def _asked(message: Message, server: Server) -> Asked:
    """What suppression lists are asked about a message."""
    return Asked(server.id, server.organization_id, message.rcpt_to, message.stream_name)
