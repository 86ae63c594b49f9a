"""Sessions outlive a message, and a dead one costs nothing but a reconnection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressSource
from tests.integration.delivery.conftest import CONTENT, PATIENT, PlainVault, Stack, until
from tests.peers import DROP, Raw, SmtpPeer

SOURCE = EgressSource("default")
ENVELOPE = Envelope("a@sender.test", "b@example.test")
TargetOf = Callable[[SmtpPeer], Target]


async def test_messages_share_a_session(stack: Stack, peer: SmtpPeer) -> None:
    for number in range(5):
        assert (await stack.send(f"user{number}@example.test")).verdict is Verdict.SENT
    assert len(peer.connections) == 1
    assert peer.commands.count("EHLO") == 2  # before and after STARTTLS
    assert [mail.rcpt_to for mail in peer.mails] == [[f"user{n}@example.test"] for n in range(5)]


async def test_a_reset_is_said_only_after_an_unfinished_transaction(
    stack: Stack, peer: SmtpPeer
) -> None:
    await stack.send()
    await stack.send()
    assert "RSET" not in peer.commands
    peer.once("RCPT", "450 4.2.0 Later")
    await stack.send()
    await stack.send()
    assert peer.commands.count("RSET") == 1
    assert len(peer.connections) == 1


@pytest.mark.parametrize(
    "how", [DROP, "421 4.4.2 Idle too long"], ids=["dropped at MAIL", "421 to MAIL"]
)
async def test_a_kept_session_that_is_dead_is_replaced_without_a_word(
    stack: Stack, peer: SmtpPeer, how: object
) -> None:
    await stack.send()
    peer.once("MAIL", how)  # type: ignore[arg-type]
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert len(peer.connections) == 2
    assert len(peer.mails) == 2


async def test_a_server_that_left_in_the_meantime_is_called_again(
    stack: Stack, peer: SmtpPeer
) -> None:
    await stack.send()
    peer.once("NOOP", DROP)
    port = peer.port
    await peer.stop()
    async with SmtpPeer(port=port) as again:
        assert (await stack.send()).verdict is Verdict.SENT
        assert len(again.mails) == 1


async def test_what_a_server_says_unasked_makes_its_session_unfit(
    egress: NetworkEgress, peer: SmtpPeer, target_of: TargetOf
) -> None:
    peer.on(".", Raw(b"250 2.0.0 ok\r\n250 2.0.0 and another\r\n"))
    conversation = await egress.connect(target_of(peer), SOURCE)
    assert (await conversation.transact(ENVELOPE, [CONTENT])).reply.code == 250
    await until(lambda: len(peer.mails) == 1)
    await conversation.release()
    peer.usual(".")
    conversation = await egress.connect(target_of(peer), SOURCE)
    assert (await conversation.transact(ENVELOPE, [CONTENT])).reply.code == 250
    await conversation.release()
    assert len(peer.connections) == 2


async def test_a_session_is_not_used_for_more_messages_than_it_may(
    peer: SmtpPeer, target_of: TargetOf
) -> None:
    egress = NetworkEgress(Settings(), PlainVault(), limits=PATIENT, most_messages=3)
    for _ in range(7):
        conversation = await egress.connect(target_of(peer), SOURCE)
        await conversation.transact(ENVELOPE, [CONTENT])
        await conversation.release()
    assert len(peer.connections) == 3
    await egress.close()
    await peer.wait_closed()
    assert peer.commands.count("QUIT") == 3


async def test_an_idle_session_says_quit_by_itself(peer: SmtpPeer, target_of: TargetOf) -> None:
    egress = NetworkEgress(Settings(), PlainVault(), limits=replace(PATIENT, idle=0.05))
    conversation = await egress.connect(target_of(peer), SOURCE)
    await conversation.transact(ENVELOPE, [CONTENT])
    await conversation.release()
    await peer.wait_closed()
    assert peer.commands[-1] == "QUIT"


async def test_no_more_sessions_to_a_server_than_allowed(
    peer: SmtpPeer, target_of: TargetOf
) -> None:
    egress = NetworkEgress(Settings(), PlainVault(), limits=PATIENT, most_sessions=2)

    async def one() -> None:
        conversation = await egress.connect(target_of(peer), SOURCE)
        await conversation.transact(ENVELOPE, [CONTENT])
        await conversation.release()

    await asyncio.gather(*(one() for _ in range(12)))
    assert len(peer.mails) == 12
    assert len(peer.connections) <= 2
    await egress.close()


async def test_waiting_for_a_place_has_an_end(peer: SmtpPeer, target_of: TargetOf) -> None:
    limits = replace(PATIENT, connect=0.2)
    egress = NetworkEgress(Settings(), PlainVault(), limits=limits, most_sessions=1)
    held = await egress.connect(target_of(peer), SOURCE)
    with pytest.raises(TemporaryFailure, match="Too many connections"):
        await egress.connect(target_of(peer), SOURCE)
    await held.close()
    conversation = await egress.connect(target_of(peer), SOURCE)
    await conversation.close()


async def test_a_failed_connection_frees_its_place(peer: SmtpPeer, target_of: TargetOf) -> None:
    egress = NetworkEgress(Settings(), PlainVault(), limits=PATIENT, most_sessions=1)
    peer.on("GREETING", "554 5.7.1 no")
    for _ in range(3):
        with pytest.raises(TemporaryFailure, match="refused the connection: 554"):
            await egress.connect(target_of(peer), SOURCE)
    peer.usual("GREETING")
    await (await egress.connect(target_of(peer), SOURCE)).close()


async def test_sources_do_not_share_sessions(
    egress: NetworkEgress, peer: SmtpPeer, target_of: TargetOf
) -> None:
    for source in (
        SOURCE,
        EgressSource("other"),
        EgressSource("third", ehlo="three.posthorn.test"),
    ):
        conversation = await egress.connect(target_of(peer), source)
        await conversation.transact(ENVELOPE, [CONTENT])
        await conversation.release()
    assert [mail.connection for mail in peer.mails] == [0, 1, 2]
    assert peer.mails[2].helo == "three.posthorn.test"
