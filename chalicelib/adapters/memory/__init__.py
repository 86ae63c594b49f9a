"""Every port in one process, without a network: for tests, benchmarks and trying things out.

`MemoryWorld` holds one of each, wired together; its attributes have the names that `chalicelib.bootstrap` uses.
It keeps the contracts of the ports, tested with the same suites as the real adapters. Nothing survives the process, and
a world belongs to one event loop.
"""

from __future__ import annotations

from chalicelib.adapters.memory.accounts import Configuration, MemoryAccounts, MemoryDirectory
from chalicelib.adapters.memory.blobs import MemoryBlobStore
from chalicelib.adapters.memory.egress import ReceivedMail, ScriptedConversation, ScriptedEgress
from chalicelib.adapters.memory.engagement import MemoryEngagement
from chalicelib.adapters.memory.limits import (
    MemoryIdempotencyKeys,
    MemoryNumbers,
    MemorySendVolume,
    MemorySuppressionList,
)
from chalicelib.adapters.memory.messages import MemoryMessageStore
from chalicelib.adapters.memory.queue import MemoryWorkQueue, ReceivedItem
from chalicelib.adapters.memory.resolver import ScriptedResolver, Zone
from chalicelib.adapters.memory.statistics import MemoryChanges, MemoryStatistics
from chalicelib.adapters.memory.time import ControlledClock, SeededRand
from chalicelib.adapters.memory.vault import MemoryKeyVault
from chalicelib.config import Settings
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand

__all__ = [
    "Configuration",
    "ControlledClock",
    "MemoryAccounts",
    "MemoryBlobStore",
    "MemoryChanges",
    "MemoryDirectory",
    "MemoryEngagement",
    "MemoryIdempotencyKeys",
    "MemoryKeyVault",
    "MemoryMessageStore",
    "MemoryNumbers",
    "MemorySendVolume",
    "MemoryStatistics",
    "MemorySuppressionList",
    "MemoryWorkQueue",
    "MemoryWorld",
    "ReceivedItem",
    "ReceivedMail",
    "ScriptedConversation",
    "ScriptedEgress",
    "ScriptedResolver",
    "SeededRand",
]


class MemoryWorld:
    """One in-memory adapter for each port. The clock is controlled and the randomness seeded unless given."""

    def __init__(
        self,
        clock: Clock | None = None,
        rand: Rand | None = None,
        *,
        zone: Zone | None = None,
        visibility: int = Settings().visibility_seconds,
    ) -> None:
        self.clock: Clock = clock if clock is not None else ControlledClock()
        self.rand: Rand = rand if rand is not None else SeededRand()
        self.configuration = Configuration()
        self.accounts_store = MemoryAccounts(self.configuration)
        self.directory = MemoryDirectory(self.configuration)
        self.messages = MemoryMessageStore()
        self.blobs = MemoryBlobStore(self.rand)
        self.queue = MemoryWorkQueue(self.clock, self.rand, visibility)
        self.suppressions = MemorySuppressionList()
        self.numbers = MemoryNumbers()
        self.volume = MemorySendVolume()
        self.idempotency = MemoryIdempotencyKeys()
        self.engagement = MemoryEngagement(self.messages, self.clock)
        self.statistics = MemoryStatistics(self.clock)
        self.changes = MemoryChanges()
        self.vault = MemoryKeyVault(self.rand)
        self.resolver = ScriptedResolver(zone)
        self.egress = ScriptedEgress()
