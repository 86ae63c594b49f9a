"""One adapter for each port, as a deployed process has them.

Each is made when it is first asked for, so that a function pays only for what it uses.
"""

from __future__ import annotations

from functools import cached_property
from typing import TypeVar

from chalicelib import ports
from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.clock import SystemClock
from chalicelib.adapters.meter import Meter
from chalicelib.adapters.randomness import SystemRand
from chalicelib.config import Settings

T = TypeVar("T")


class AwsAdapters:
    """The adapters of a deployed process, each made on first use, with the crash points of `settings.kill_at`."""

    def __init__(self, settings: Settings, number_block: int) -> None:
        self._settings = settings
        self.meter = Meter()
        self.clock: ports.Clock = SystemClock(settings.clock_file)
        self.rand: ports.Rand = SystemRand()
        self._world = AwsWorld(
            settings, self.clock, self.rand, meter=self.meter, number_block=number_block
        )

    def _breakable(self, port: T, name: str) -> T:
        from chalicelib.adapters.faults import with_crash_points

        return with_crash_points(port, name, self._settings.kill_at)

    @cached_property
    def directory(self) -> ports.Directory:
        return self._world.directory

    @cached_property
    def accounts_store(self) -> ports.Accounts:
        return self._world.accounts_store

    @cached_property
    def messages(self) -> ports.MessageStore:
        return self._breakable(self._world.messages, "messages")

    @cached_property
    def blobs(self) -> ports.BlobStore:
        return self._breakable(self._world.blobs, "blobs")

    @cached_property
    def queue(self) -> ports.WorkQueue:
        return self._breakable(self._world.queue, "queue")

    @cached_property
    def suppressions(self) -> ports.SuppressionList:
        return self._world.suppressions

    @cached_property
    def numbers(self) -> ports.Numbers:
        return self._world.numbers

    @cached_property
    def volume(self) -> ports.SendVolume:
        return self._world.volume

    @cached_property
    def idempotency(self) -> ports.IdempotencyKeys:
        return self._world.idempotency

    @cached_property
    def engagement(self) -> ports.Engagement:
        return self._world.engagement

    @cached_property
    def statistics(self) -> ports.Statistics:
        return self._breakable(self._world.statistics, "statistics")

    @cached_property
    def changes(self) -> ports.ChangeReader:
        return self._world.changes

    @cached_property
    def vault(self) -> ports.KeyVault:
        return self._world.vault

    @cached_property
    def resolver(self) -> ports.Resolver:
        from chalicelib.adapters.dns import DnsResolver

        return DnsResolver(self._settings, self.clock)

    @cached_property
    def egress(self) -> ports.Egress:
        from chalicelib.adapters.egress import NetworkEgress

        return self._breakable(NetworkEgress(self._settings, self.vault), "egress")
