"""The one place where ports meet adapters and services meet ports.

`posthorn()` is the process's assembled program, built from the environment on first use; each part is made when it
is first asked for, so that a function pays only for what it uses. `in_memory()` assembles the same services on
memory adapters. `run()` executes a coroutine on the process's one background event loop, where connections survive
from call to call.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Coroutine
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from chalicelib.config import Settings, read_settings

if TYPE_CHECKING:
    from chalicelib.adapters.memory import MemoryWorld
    from chalicelib.adapters.meter import Meter
    from chalicelib.ports.accounts import Accounts
    from chalicelib.ports.assembled import Ports
    from chalicelib.ports.blobs import BlobStore
    from chalicelib.ports.clock import Clock
    from chalicelib.ports.directory import Directory
    from chalicelib.ports.egress import Egress
    from chalicelib.ports.engagement import Engagement
    from chalicelib.ports.idempotency import IdempotencyKeys
    from chalicelib.ports.keys import KeyMaker
    from chalicelib.ports.messages import MessageStore
    from chalicelib.ports.numbers import Numbers
    from chalicelib.ports.queue import WorkQueue
    from chalicelib.ports.rand import Rand
    from chalicelib.ports.resolver import Resolver
    from chalicelib.ports.signer import Signer
    from chalicelib.ports.suppressions import SuppressionList
    from chalicelib.ports.vault import KeyVault
    from chalicelib.ports.volume import SendVolume
    from chalicelib.services.accept import AcceptMail
    from chalicelib.services.accounts import Tenants
    from chalicelib.services.address_mac import AddressMac
    from chalicelib.services.attempt import AttemptDelivery
    from chalicelib.services.authenticate import Authenticate
    from chalicelib.services.dead_letters import DeadLetters
    from chalicelib.services.domains import Domains
    from chalicelib.services.history import MessageHistory
    from chalicelib.services.holds import Holds
    from chalicelib.services.idempotency import AnswerOnce
    from chalicelib.services.installation import Installation
    from chalicelib.services.outbox import Outbox
    from chalicelib.services.retry_due import RetryDue
    from chalicelib.services.sources import Sources
    from chalicelib.services.statistics import ServerStatistics
    from chalicelib.services.submit import SubmitMail
    from chalicelib.services.track import Track
    from chalicelib.services.track_domains import TrackDomains
    from chalicelib.services.transmit import Transmit

T = TypeVar("T")


class Posthorn:
    """The assembled program: the ports by name, and the services over them."""

    def __init__(self, settings: Settings, adapters: Ports, meter: Meter | None = None) -> None:
        self.settings = settings
        self.meter = meter
        self._adapters = adapters

    @property
    def clock(self) -> Clock:
        return self._adapters.clock

    @property
    def rand(self) -> Rand:
        return self._adapters.rand

    @property
    def directory(self) -> Directory:
        return self._adapters.directory

    @property
    def accounts_store(self) -> Accounts:
        return self._adapters.accounts_store

    @property
    def messages(self) -> MessageStore:
        return self._adapters.messages

    @property
    def blobs(self) -> BlobStore:
        return self._adapters.blobs

    @property
    def queue(self) -> WorkQueue:
        return self._adapters.queue

    @property
    def suppressions(self) -> SuppressionList:
        return self._adapters.suppressions

    @property
    def numbers(self) -> Numbers:
        return self._adapters.numbers

    @property
    def volume(self) -> SendVolume:
        return self._adapters.volume

    @property
    def idempotency(self) -> IdempotencyKeys:
        return self._adapters.idempotency

    @property
    def engagement(self) -> Engagement:
        return self._adapters.engagement

    @property
    def vault(self) -> KeyVault:
        return self._adapters.vault

    @property
    def resolver(self) -> Resolver:
        return self._adapters.resolver

    @property
    def egress(self) -> Egress:
        return self._adapters.egress

    @cached_property
    def signer(self) -> Signer:
        from chalicelib.adapters.signer import KeyringSigner

        return KeyringSigner(self.vault)

    @cached_property
    def mac(self) -> AddressMac:
        from chalicelib.services.address_mac import AddressMac

        return AddressMac(self.directory, self.vault)

    @cached_property
    def keys(self) -> KeyMaker:
        from chalicelib.adapters.keys import CryptographyKeyMaker

        return CryptographyKeyMaker()

    @cached_property
    def authenticate(self) -> Authenticate:
        from chalicelib.services.authenticate import Authenticate

        return Authenticate(self.directory, self.vault, self.accounts_store, self.clock)

    @cached_property
    def accept(self) -> AcceptMail:
        from chalicelib.services.accept import AcceptMail

        return AcceptMail(
            self.settings,
            self.clock,
            self.rand,
            self.directory,
            self.numbers,
            self.blobs,
            self.queue,
            self.messages,
        )

    @cached_property
    def transmit(self) -> Transmit:
        from chalicelib.services.transmit import Transmit

        return Transmit(
            self.settings, self.clock, self.rand, self.directory, self.resolver, self.egress
        )

    @cached_property
    def attempt(self) -> AttemptDelivery:
        from chalicelib.services.attempt import AttemptDelivery
        from chalicelib.services.outgoing import SendOutgoing
        from chalicelib.services.seal import SealOutgoing
        from chalicelib.services.track_links import TrackLinks

        track = TrackLinks(self.settings, self.clock, self.directory, self.mac, self.engagement)
        seal = SealOutgoing(self.settings, self.clock, self.directory, self.mac, self.signer)
        outgoing = SendOutgoing(
            settings=self.settings,
            clock=self.clock,
            rand=self.rand,
            directory=self.directory,
            messages=self.messages,
            blobs=self.blobs,
            suppressions=self.suppressions,
            numbers=self.numbers,
            volume=self.volume,
            track=track,
            seal=seal,
            transmit=self.transmit,
        )
        return AttemptDelivery(
            self.settings,
            self.clock,
            self.rand,
            self.directory,
            self.messages,
            self.queue,
            self.suppressions,
            outgoing,
        )

    @cached_property
    def retry_due(self) -> RetryDue:
        from chalicelib.services.retry_due import RetryDue

        return RetryDue(self.clock, self.messages, self.queue, self.numbers)

    @cached_property
    def outbox(self) -> Outbox:
        from chalicelib.services.outbox import Outbox

        return Outbox(self.clock, self._adapters.changes, self._adapters.statistics)

    @cached_property
    def statistics(self) -> ServerStatistics:
        from chalicelib.services.statistics import ServerStatistics

        return ServerStatistics(self.clock, self._adapters.statistics)

    @cached_property
    def dead_letters(self) -> DeadLetters:
        from chalicelib.services.dead_letters import DeadLetters

        return DeadLetters(self.settings, self.clock, self.messages, self.numbers)

    @cached_property
    def holds(self) -> Holds:
        from chalicelib.services.holds import Holds

        return Holds(self.clock, self.messages, self.queue, self.numbers)

    @cached_property
    def history(self) -> MessageHistory:
        from chalicelib.services.history import MessageHistory

        return MessageHistory(self.messages, self.blobs, self.engagement)

    @cached_property
    def track(self) -> Track:
        from chalicelib.services.track import Track

        return Track(self.settings, self.clock, self.directory, self.mac, self.engagement)

    @cached_property
    def track_domains(self) -> TrackDomains:
        from chalicelib.services.track_domains import TrackDomains

        return TrackDomains(
            self.accounts_store, self.resolver, self.clock, self.rand, self.settings
        )

    @cached_property
    def submit(self) -> SubmitMail:
        from chalicelib.services.submit import SubmitMail

        return SubmitMail(
            self.settings, self.clock, self.rand, self.resolver, self.blobs, self.accept
        )

    @cached_property
    def once(self) -> AnswerOnce:
        from chalicelib.services.idempotency import AnswerOnce

        return AnswerOnce(self.idempotency, self.clock)

    @cached_property
    def accounts(self) -> Tenants:
        from chalicelib.services.accounts import Tenants

        return Tenants(self.accounts_store, self.vault, self.clock, self.rand, self.queue)

    @cached_property
    def sources(self) -> Sources:
        from chalicelib.services.sources import Sources

        return Sources(self.accounts_store, self.vault, self.clock, self.queue)

    @cached_property
    def domains(self) -> Domains:
        from chalicelib.services.domains import Domains

        return Domains(
            self.accounts_store,
            self.vault,
            self.keys,
            self.resolver,
            self.clock,
            self.rand,
            self.settings,
        )

    @cached_property
    def installation(self) -> Installation:
        from chalicelib.services.installation import Installation

        return Installation(
            self.accounts_store,
            self.directory,
            self.vault,
            self.keys,
            self.rand,
            self.settings,
        )


def in_memory(
    settings: Settings | None = None, world: MemoryWorld | None = None, *, live: bool = False
) -> Posthorn:
    """The program on memory adapters. Give a `world` to script or inspect what is around it.

    `live` takes the system's clock and randomness in place of controlled ones, for a process that people use.
    """
    from chalicelib.adapters.memory import MemoryWorld

    if live:
        from chalicelib.adapters.clock import SystemClock
        from chalicelib.adapters.randomness import SystemRand

        world = MemoryWorld(SystemClock(), SystemRand())
    return Posthorn(settings or Settings(), world or MemoryWorld())


class _Background:
    """The process's event loop, in a thread of its own, started on first use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                thread = threading.Thread(
                    target=self._loop.run_forever, name="posthorn-loop", daemon=True
                )
                thread.start()
            return self._loop


_background = _Background()
_assembled: list[Posthorn] = []
_assembling = threading.Lock()


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, executed on the background loop. Not to be called from that loop."""
    return asyncio.run_coroutine_threadsafe(coroutine, _background.loop()).result()


def posthorn() -> Posthorn:
    """The process's program, from the environment (or as `use` set it)."""
    with _assembling:
        if not _assembled:
            _assembled.append(on_aws(read_settings(os.environ)))
        return _assembled[0]


def use(program: Posthorn | None) -> None:
    """Make `posthorn()` answer with this program; None goes back to the environment."""
    with _assembling:
        _assembled[:] = [] if program is None else [program]


def on_aws(settings: Settings, number_block: int = 20) -> Posthorn:
    """The program on AWS adapters, at the endpoint of the standard AWS variables.

    `number_block` is how many message numbers are leased at once: more for a process that accepts much mail.
    """
    from chalicelib.adapters.assembly import AwsAdapters

    adapters = AwsAdapters(settings, number_block)
    return Posthorn(settings, adapters, adapters.meter)
