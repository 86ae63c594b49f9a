"""One adapter for each port, as a deployed process has them.

Each is made when it is first asked for, so that a function pays only for what it uses.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.meter import Meter
from chalicelib.adapters.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.changes import ChangeReader
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.egress import Egress
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.idempotency import IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.ports.resolver import Resolver
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.vault import KeyVault
from chalicelib.ports.volume import SendVolume

T = TypeVar("T")


class AwsAdapters:
    """The adapters of a deployed process, each made on first use, with the crash points of `settings.kill_at`."""

    def __init__(self, settings: Settings, number_block: int) -> None:
        self._settings = settings
        self.meter = Meter()
        self.clock: Clock = SystemClock(settings.clock_file)
        self.rand: Rand = SystemRand()
        self._world = AwsWorld(
            settings, self.clock, self.rand, meter=self.meter, number_block=number_block
        )

    def _breakable(self, port: T, name: str) -> T:
        from chalicelib.adapters.faults import with_crash_points

        return with_crash_points(port, name, self._settings.kill_at)

    @cached_property
    def directory(self) -> Directory:
        return self._world.directory

    @cached_property
    def accounts_store(self) -> Accounts:
        return self._world.accounts_store

    @cached_property
    def messages(self) -> MessageStore:
        return self._breakable(self._world.messages, "messages")

    @cached_property
    def blobs(self) -> BlobStore:
        return self._breakable(self._world.blobs, "blobs")

    @cached_property
    def queue(self) -> WorkQueue:
        return self._breakable(self._world.queue, "queue")

    @cached_property
    def suppressions(self) -> SuppressionList:
        return self._world.suppressions

    @cached_property
    def numbers(self) -> Numbers:
        return self._world.numbers

    @cached_property
    def volume(self) -> SendVolume:
        return self._world.volume

    @cached_property
    def idempotency(self) -> IdempotencyKeys:
        return self._world.idempotency

    @cached_property
    def engagement(self) -> Engagement:
        return self._world.engagement

    @cached_property
    def statistics(self) -> Statistics:
        return self._breakable(self._world.statistics, "statistics")

    @cached_property
    def changes(self) -> ChangeReader:
        return self._world.changes

    @cached_property
    def vault(self) -> KeyVault:
        return self._world.vault

    @cached_property
    def resolver(self) -> Resolver:
        from chalicelib.adapters.dns import DnsResolver

        return DnsResolver(self._settings, self.clock)

    @cached_property
    def egress(self) -> Egress:
        from chalicelib.adapters.egress import NetworkEgress

        return self._breakable(NetworkEgress(self._settings, self.vault), "egress")
