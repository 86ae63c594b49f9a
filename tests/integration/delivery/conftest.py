"""A delivery stack on loopback: real sockets, real DNS queries, scripted peers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.model import BlobRef, Message, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.services.outgoing.conversation import Converse
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.outgoing.targets import FindTargets
from chalicelib.services.outgoing.try_hosts import TryHosts
from tests.dns_zone import DnsZone
from tests.patience import PATIENCE
from tests.peers import SmtpPeer, trusting_context

CONTENT = b"From: a@sender.test\r\nSubject: hello\r\n\r\nhello\r\n"
PATIENT = TimeLimits(*[10.0] * 8, idle=10.0)
HASTY = replace(TimeLimits(*[0.4] * 8, idle=10.0), connect=2.0)


class PlainVault:
    """A vault whose sealed secrets are the secrets."""

    async def seal(self, secret: bytes, context: Any) -> bytes:
        return secret

    async def open(self, sealed: bytes, context: Any) -> bytes:
        return sealed


class Pools:
    """The one question that sending asks the directory."""

    def __init__(self, *sources: EgressSource) -> None:
        self.sources = sources

    async def egress_sources(self, pool: str) -> tuple[EgressSource, ...]:
        return tuple(source for source in self.sources if source.pool == pool)


class Stack:
    """The sender with everything below it; `send` is one attempt."""

    def __init__(self, zone: DnsZone, **settings: Any) -> None:
        self.settings = replace(
            Settings(
                smtp_hostname="mail.posthorn.test",
                dns_server=zone.server,
                allow_private_delivery=True,
            ),
            **settings,
        )
        self.zone = zone
        self.pools = Pools()
        self.egress = self._egress(PATIENT)
        self.deadline = 30.0
        self.dns_seconds = 3.0

    def hurry(self) -> None:
        """Wait less than half a second for anything; for servers and name servers that stay silent."""
        self.egress = self._egress(HASTY)
        self.dns_seconds = 0.2

    def _egress(self, limits: TimeLimits) -> NetworkEgress:
        return NetworkEgress(self.settings, PlainVault(), limits=limits, trusted=trusting_context())

    @property
    def sender(self) -> SmtpSender:
        clock = SystemClock(self.settings)
        resolver = DnsResolver(self.settings, clock, try_seconds=self.dns_seconds)
        return SmtpSender(
            self.settings,
            clock,
            self.pools,  # type: ignore[arg-type]  # the one verb that is used
            FindTargets(self.settings, SystemRand(), resolver),
            TryHosts(Converse(self.egress)),
            self.deadline,
        )

    async def send(
        self,
        rcpt_to: str = "bob@example.test",
        *content: bytes,
        tries: int = 0,
        envelope: Envelope | None = None,
    ) -> AttemptResult:
        envelope = envelope or Envelope("bounce@sender.test", rcpt_to)
        parts = content or (CONTENT,)
        return await self.sender.deliver(message_to(rcpt_to), envelope, parts, tries)


def message_to(rcpt_to: str, token: str = "abcdefghij012345", pool: str = "default") -> Message:
    return Message(
        server_id=ServerId(1),
        id=MessageId(1),
        token=token,
        scope=Scope.OUTGOING,
        mail_from="a@sender.test",
        rcpt_to=rcpt_to,
        subject="hello",
        message_id="1@sender.test",
        received_at=0.0,
        size=1,
        blob=BlobRef("k", 0, 1),
        origin=Origin(pool, "sender.test", "c"),
    )


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone() as running:
        yield running


@pytest.fixture
async def peer() -> AsyncIterator[SmtpPeer]:
    async with SmtpPeer() as running:
        yield running


@pytest.fixture
async def stack(zone: DnsZone, peer: SmtpPeer) -> AsyncIterator[Stack]:
    """example.test has one MX, mx.example.test, at the peer's address."""
    zone.mx("example.test", (10, "mx.example.test"))
    zone.a("mx.example.test", "127.0.0.1")
    made = Stack(zone, delivery_port=peer.port)
    yield made
    await made.egress.close()


@pytest.fixture
async def egress() -> AsyncIterator[NetworkEgress]:
    made = NetworkEgress(
        Settings(smtp_hostname="mail.posthorn.test"),
        PlainVault(),
        limits=PATIENT,
        trusted=trusting_context(),
    )
    yield made
    await made.close()


@pytest.fixture
def target_of() -> Callable[[SmtpPeer], Target]:
    return lambda peer: Target("mx.example.test", peer.host, peer.port)


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something that happens on this loop."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)
