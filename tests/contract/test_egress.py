"""The scripted egress behaves as the real one does towards a server that says the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, Protocol

import pytest

from chalicelib.adapters.network.egress import NetworkEgress
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.adapters.scripted.egress import ScriptedEgress
from chalicelib.adapters.scripted.time import SeededRand
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.sqlite.vault import FileKeyVault
from chalicelib.config import Settings
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.errors import OutcomeUnknown, Rejected, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.commands import NEEDS_8BITMIME
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.domain.transcript import Transcript
from chalicelib.ports.egress import Egress, TransactionResult
from tests.peers import DROP, SmtpPeer

SOURCE = EgressSource("default", address="127.0.0.1")
ENVELOPE = Envelope("a@sender.test", "b@example.test")
CONTENT = (b"Subject: hello\r\n\r\n", b".hello\r\n")
OK = Reply(250, "2.0.0", "Ok: queued")
STAGES = ("MAIL", "RCPT", "DATA", ".")


class World(Protocol):
    """An egress, a server behind it, and what can be told to and asked of the server."""

    egress: Egress
    target: Target

    def answer(self, stage: str, reply: Reply) -> None:
        """Say this at the next transaction."""

    def hang_up(self, stage: str) -> None:
        """Break the next transaction off."""

    def turn_away(self) -> None:
        """Refuse the next connection at its greeting."""

    def offer_seven_bit_only(self) -> None:
        """Do not offer 8BITMIME from the next connection on."""

    @property
    def got(self) -> list[tuple[str, str, bytes]]:
        """Sender, recipient and content of the accepted messages."""

    async def sessions(self) -> tuple[int, int]:
        """How many connections were opened, and how many of them are closed."""


class Scripted:
    """The fake."""

    def __init__(self) -> None:
        self.egress = ScriptedEgress()
        self.target = Target("mx.example.test", "127.0.0.1", 25)
        self.egress.always(self.target.host, TransactionResult(OK, "."))

    def answer(self, stage: str, reply: Reply) -> None:
        self.egress.will(self.target.host, TransactionResult(reply, stage))

    def hang_up(self, stage: str) -> None:
        error = OutcomeUnknown("lost") if stage == "." else TemporaryFailure("lost")
        self.egress.will(self.target.host, error)

    def turn_away(self) -> None:
        self.egress.refuse(self.target.host, TemporaryFailure("refused the connection: 554"))

    def offer_seven_bit_only(self) -> None:
        self.egress.seven_bit.add(self.target.host)

    @property
    def got(self) -> list[tuple[str, str, bytes]]:
        return [
            (mail.envelope.mail_from, mail.envelope.rcpt_to, mail.content)
            for mail in self.egress.received
            if mail.was_accepted
        ]

    async def sessions(self) -> tuple[int, int]:
        return self.egress.opened, self.egress.closed


class Network:
    """The real thing, and a server on loopback."""

    def __init__(self, peer: SmtpPeer) -> None:
        settings = Settings(smtp_hostname="mail.posthorn.test")
        limits = TimeLimits(*[10.0] * 8, idle=60.0)
        self.egress = NetworkEgress(
            settings, FileKeyVault(SealingKeys(StateFolder(settings), SeededRand(1))), limits=limits
        )
        self.target = Target("mx.example.test", peer.host, peer.port)
        self.peer = peer

    def answer(self, stage: str, reply: Reply) -> None:
        self.peer.once(stage, str(reply))

    def hang_up(self, stage: str) -> None:
        self.peer.once(stage, DROP)

    def turn_away(self) -> None:
        self.peer.once("GREETING", "554 5.7.1 Go away")

    def offer_seven_bit_only(self) -> None:
        self.peer.keywords = ["PIPELINING", "STARTTLS"]

    @property
    def got(self) -> list[tuple[str, str, bytes]]:
        return [(mail.mail_from, mail.rcpt_to[0], mail.content) for mail in self.peer.mails]

    async def sessions(self) -> tuple[int, int]:
        connections = self.peer.connections
        held = len(self.egress.pool._sites) > 0
        if not held:
            await self.peer.wait_closed()
        return len(connections), sum(one.closed for one in connections)


@pytest.fixture(params=["scripted", "network"])
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """One egress after the other."""
    if request.param == "scripted":
        yield Scripted()
        return
    async with SmtpPeer() as peer:
        network = Network(peer)
        yield network
        await network.egress.close()


async def test_a_message_arrives_and_its_reply_comes_back(world: World) -> None:
    conversation = await world.egress.connect(world.target, SOURCE)
    assert (conversation.target, conversation.source) == (world.target, "127.0.0.1")
    assert conversation.tls is not None and conversation.tls.startswith("TLSv1.3 TLS_")
    assert await conversation.transact(ENVELOPE, CONTENT) == TransactionResult(OK, ".")
    await conversation.close()
    assert world.got == [("a@sender.test", "b@example.test", b"".join(CONTENT))]
    assert await world.sessions() == (1, 1)


async def test_what_is_said_is_taken_down_but_content(world: World) -> None:
    transcript = Transcript(lambda: 0.0)
    for number in range(2):  # the second time in the session that is kept
        world.answer("RCPT", Reply(450, "4.2.1", "Later"))
        conversation = await world.egress.connect(world.target, SOURCE, transcript)
        await conversation.transact(ENVELOPE, CONTENT)
        await conversation.transact(ENVELOPE, CONTENT)
        await conversation.release()
        heard = transcript.heard()
        assert heard is not None, number
        assert (heard.host, heard.address) == (world.target.host, world.target.address)
        said = [(one.speaker, one.text) for one in heard.lines]
        first, second = (
            at for at, (_, text) in enumerate(said) if text.startswith("MAIL FROM:<a@sender.test>")
        )
        assert ("them", "450 4.2.1 Later") in said[first:second]
        assert [text for who, text in said[second:] if who == "us"][1:] == [
            "RCPT TO:<b@example.test>",
            "DATA",
            f"({sum(map(len, CONTENT))} bytes)",
        ]
        assert said[-1] == ("them", str(OK))
        assert not any("hello" in text for _, text in said)
    told = len(said)
    fresh = await world.egress.connect(world.target, SOURCE)
    await fresh.transact(ENVELOPE, CONTENT)
    await fresh.release()
    heard = transcript.heard()
    assert heard is not None
    assert len(heard.lines) == told


async def test_8_bit_content_is_not_said_to_a_server_that_does_not_take_it(world: World) -> None:
    world.offer_seven_bit_only()
    conversation = await world.egress.connect(world.target, SOURCE)
    eight = (b"Subject: x\r\n\r\n", "Grüße\r\n".encode())
    assert await conversation.transact(ENVELOPE, eight) == TransactionResult(NEEDS_8BITMIME, "MAIL")
    assert world.got == []
    assert await conversation.transact(ENVELOPE, CONTENT) == TransactionResult(OK, ".")
    await conversation.release()
    assert world.got == [("a@sender.test", "b@example.test", b"".join(CONTENT))]
    assert (await world.sessions())[0] == 1


async def test_envelopes_of_every_kind(world: World) -> None:
    conversation = await world.egress.connect(world.target, SOURCE)
    asked = DsnParameters("FAILURE", "rfc822;b@example.test", "HDRS", "Q1")
    envelopes = [
        Envelope("", "b@example.test"),
        Envelope("ä@sender.test", "b@example.test", smtputf8=True),
        Envelope("a@sender.test", "b@example.test", dsn=asked),
    ]
    for envelope in envelopes:
        assert (await conversation.transact(envelope, CONTENT)).reply.is_positive
    await conversation.release()
    assert [mail[0] for mail in world.got] == ["", "ä@sender.test", "a@sender.test"]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", [450, 550])
async def test_a_refusal_is_a_result_and_the_session_goes_on(
    world: World, stage: str, code: int
) -> None:
    refusal = Reply(code, f"{code // 100}.7.1", "Not today")
    world.answer(stage, refusal)
    conversation = await world.egress.connect(world.target, SOURCE)
    assert await conversation.transact(ENVELOPE, CONTENT) == TransactionResult(refusal, stage)
    assert (await conversation.transact(ENVELOPE, CONTENT)).reply == OK
    await conversation.release()
    assert len(world.got) == 1
    assert await world.sessions() == (1, 0)


async def test_421_is_a_result_and_the_session_is_over(world: World) -> None:
    closing = Reply(421, "4.3.2", "Going down")
    world.answer("RCPT", closing)
    conversation = await world.egress.connect(world.target, SOURCE)
    assert await conversation.transact(ENVELOPE, CONTENT) == TransactionResult(closing, "RCPT")
    with pytest.raises(TemporaryFailure):
        await conversation.transact(ENVELOPE, CONTENT)
    await conversation.release()
    assert await world.sessions() == (1, 1)
    again = await world.egress.connect(world.target, SOURCE)
    assert (await again.transact(ENVELOPE, CONTENT)).reply == OK


@pytest.mark.parametrize("stage", STAGES)
async def test_a_break_is_unknown_only_after_the_final_dot(world: World, stage: str) -> None:
    world.hang_up(stage)
    conversation = await world.egress.connect(world.target, SOURCE)
    with pytest.raises(TemporaryFailure) as raised:
        await conversation.transact(ENVELOPE, CONTENT)
    assert isinstance(raised.value, OutcomeUnknown) == (stage == ".")
    with pytest.raises(TemporaryFailure):
        await conversation.transact(ENVELOPE, CONTENT)
    await conversation.release()
    assert await world.sessions() == (1, 1)
    assert world.got == []


async def test_a_refused_connection_is_temporary(world: World) -> None:
    world.turn_away()
    with pytest.raises(TemporaryFailure, match="refused the connection: 554"):
        await world.egress.connect(world.target, SOURCE)
    conversation = await world.egress.connect(world.target, SOURCE)
    assert (await conversation.transact(ENVELOPE, CONTENT)).reply == OK


@pytest.mark.parametrize(
    "envelope",
    [
        Envelope("a@sender.test\r\nRCPT TO:<evil@example.test>", "b@example.test"),
        Envelope("a@sender.test", "b@example.test>\r\nDATA"),
        Envelope("a@sender.test", ""),
        Envelope("a@sender.test", "b@example.test", dsn=DsnParameters(envid="a b")),
    ],
)
async def test_an_envelope_that_no_command_can_carry_harms_nobody(
    world: World, envelope: Envelope
) -> None:
    conversation = await world.egress.connect(world.target, SOURCE)
    with pytest.raises(Rejected):
        await conversation.transact(envelope, CONTENT)
    assert (await conversation.transact(ENVELOPE, CONTENT)).reply == OK
    assert len(world.got) == 1


async def test_released_sessions_are_used_again_by_the_same_source_only(world: World) -> None:
    same_place = Target("other-name.example.test", world.target.address, world.target.port)
    other = EgressSource("other", address="127.0.0.1")
    for target, source in ((world.target, SOURCE), (same_place, SOURCE), (world.target, other)):
        conversation = await world.egress.connect(target, source)
        assert conversation.target == target
        assert (await conversation.transact(ENVELOPE, CONTENT)).reply.is_positive
        await conversation.release()
    assert await world.sessions() == (2, 0)


async def test_conversations_at_once_have_sessions_of_their_own(world: World) -> None:
    first = await world.egress.connect(world.target, SOURCE)
    second = await world.egress.connect(world.target, SOURCE)
    for conversation in (first, second):
        await conversation.transact(ENVELOPE, CONTENT)
        await conversation.release()
    for _ in range(2):
        await world.egress.connect(world.target, SOURCE)
    assert await world.sessions() == (2, 0)


@pytest.mark.parametrize("ending", ["release", "close"])
async def test_what_is_over_is_over(world: World, ending: str) -> None:
    conversation: Any = await world.egress.connect(world.target, SOURCE)
    await getattr(conversation, ending)()
    with pytest.raises(TemporaryFailure, match="The conversation is over"):
        await conversation.transact(ENVELOPE, CONTENT)
    with pytest.raises(TemporaryFailure, match="The conversation is over"):
        await conversation.release()
    assert world.got == []
    await conversation.close()  # to close twice does no harm
    opened, closed = await world.sessions()
    assert (opened, closed) == (1, 0 if ending == "release" else 1)
