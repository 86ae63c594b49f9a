"""What the look finds by real questions to DNS is what delivery follows at real sockets, on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository
from chalicelib.services.checks import CheckInstallation
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.pools.look_at_sources import OutwardAddresses
from tests.dns_zone import DnsZone
from tests.integration.delivery.conftest import CONTENT, message_to
from tests.peers import SmtpPeer

FOUR, SIX = "192.0.2.7", "2001:db8::7"
FAMILIES = ["memory", "files", pytest.param("aws", marks=pytest.mark.aws)]


class Outward(OutwardAddresses):
    """A host with both."""

    def found(self) -> tuple[str, ...]:
        return FOUR, SIX


@pytest.fixture
def zone() -> Iterator[DnsZone]:
    with DnsZone(ttl=5, negative_ttl=5) as running:
        running.mx("example.test", (10, "mx.example.test"))
        running.a("mx.example.test", "127.0.0.1")
        running.aaaa("mx.example.test", "::1")
        running.mx("six.test", (10, "mx.six.test"))
        running.aaaa("mx.six.test", "::1")
        running.a("mail.acme.test", FOUR)
        running.aaaa("mail.acme.test", SIX)
        running.ptr(FOUR, "mail.acme.test")
        yield running


@pytest.fixture
async def peers() -> AsyncIterator[tuple[SmtpPeer, SmtpPeer]]:
    """One on 127.0.0.1 and one on ::1, at the same port."""
    async with SmtpPeer() as four, SmtpPeer(host="::1", port=four.port) as six:
        yield four, six


@pytest.fixture(params=FAMILIES)
def program(
    request: pytest.FixtureRequest, zone: DnsZone, peers: tuple[SmtpPeer, SmtpPeer]
) -> Posthorn:
    settings = Settings()
    if request.param == "files":
        folder = request.getfixturevalue("tmp_path") / "state"
        settings = replace(settings, state_folder=str(folder))
    if request.param == "aws":
        settings = request.getfixturevalue("aws_settings")
    settings = replace(
        settings,
        dns_server=zone.server,
        delivery_port=peers[0].port,
        allow_private_delivery=True,
        smtp_hostname="mail.acme.test",
    )
    parts = {Clock: ControlledClock(), OutwardAddresses: Outward()}
    return Posthorn(settings, "aws" if request.param == "aws" else "sqlite", parts)


async def hour(program: Posthorn) -> None:
    """An hour passes, and half a minute more, after which workers follow."""
    program[ControlledClock].advance(3_600)
    await program[CheckInstallation].run()
    program[ControlledClock].advance(31)


async def sent(program: Posthorn, rcpt_to: str = "bob@example.test") -> AttemptResult:
    envelope = Envelope("bounce@sender.test", rcpt_to)
    return await program[SmtpSender].deliver(message_to(rcpt_to), envelope, (CONTENT,), 0)


async def test_mail_follows_what_dns_says(
    program: Posthorn, zone: DnsZone, peers: tuple[SmtpPeer, SmtpPeer]
) -> None:
    four, six = peers
    await program[Repository].add(SOURCES, EgressSource("default"))
    await hour(program)
    assert (await sent(program)).verdict is Verdict.SENT
    assert (len(four.mails), len(six.mails)) == (1, 0)
    waiting = await sent(program, "bob@six.test")
    assert waiting.verdict is Verdict.SOFT
    assert f"does not send by IPv6 to mx.six.test: {SIX} has no reverse name." in waiting.details

    for how in ("SERVFAIL", "REFUSED"):
        zone.fail("mail.acme.test", how)
        zone.ptr(SIX, "mail.acme.test")
        await hour(program)
        assert (await sent(program, "bob@six.test")).verdict is Verdict.SOFT, how
    zone.heal("mail.acme.test")
    await hour(program)
    assert (await sent(program, "bob@six.test")).verdict is Verdict.SENT
    assert len(six.mails) == 1

    zone.ptr(FOUR, "isp.test")
    zone.a("isp.test", "192.0.2.99")
    await hour(program)
    for _ in range(2):
        assert (await sent(program)).verdict is Verdict.SENT
    assert (len(four.mails), len(six.mails)) == (1, 3)

    # Nothing is good any more: mail goes on by both.
    zone.ptr(SIX, "isp.test")
    await hour(program)
    assert (await sent(program, "bob@six.test")).verdict is Verdict.SENT
    assert (await sent(program, "bob@[127.0.0.1]")).verdict is Verdict.SENT


async def test_it_costs_no_further_question_a_message(
    program: Posthorn, monkeypatch: pytest.MonkeyPatch
) -> None:
    await program[Repository].add(SOURCES, EgressSource("default"))
    await hour(program)
    asked = []
    ask = program[Recent].ask

    async def counted(key: object, read: object) -> object:
        asked.append(key)
        return await ask(key, read)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(program[Recent], "ask", counted)
    for _ in range(2):
        await sent(program)
    assert asked == [("pool", "default")] * 2
