"""Servers that hang up, stall, or talk nonsense, before and after the final dot."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from chalicelib.adapters.network.smtp_connection import SmtpConnection
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.config import Settings
from chalicelib.domain.smtp.classify import Verdict
from tests.integration.delivery.conftest import CONTENT, PATIENT, Stack
from tests.peers import DROP, RESET, STALL, Deaf, Delay, Raw, SmtpPeer, Split


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", [DROP, RESET], ids=["drop", "reset"])
@pytest.mark.parametrize("keywords", [["PIPELINING"], []], ids=["pipelined", "stepwise"])
async def test_a_break_before_the_final_dot_is_tried_once_more(
    stack: Stack, peer: SmtpPeer, stage: str, how: object, keywords: list[str]
) -> None:
    peer.keywords = keywords
    peer.once(stage, how)  # type: ignore[arg-type]
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert len(peer.connections) == 2
    assert len(peer.mails) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_a_break_at_each_try_is_temporary_and_certain(
    stack: Stack, peer: SmtpPeer, stage: str
) -> None:
    peer.on(stage, DROP)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == (
        f"An error occurred while sending the message to 127.0.0.1:{peer.port} (mx.example.test)"
    )
    assert not attempted.outcome_unknown
    assert len(peer.connections) == 2


@pytest.mark.parametrize("how", [DROP, RESET, STALL], ids=["drop", "reset", "stall"])
async def test_silence_after_the_final_dot_is_unknown_and_never_sent_again(
    stack: Stack, peer: SmtpPeer, how: object
) -> None:
    peer.on(".", how)  # type: ignore[arg-type]
    if how == STALL:
        stack.hurry()
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.outcome_unknown
    kind = "Temporary SMTP delivery error when" if how == STALL else "An error occurred while"
    assert attempted.details.startswith(kind)
    assert len(peer.connections) == 1
    assert peer.commands.count("DATA") == 1


async def test_a_break_in_the_middle_of_a_long_message_is_certain(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("BODY", DROP)
    attempted = await stack.send(
        "bob@example.test", CONTENT + b"x" * 70 + b"\r\n", b"y" * 40_000_000
    )
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    assert len(peer.connections) == 2
    assert not peer.mails


async def test_a_refusal_in_the_middle_of_a_long_message_is_the_result(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("BODY", Raw(b"552 5.3.4 Too big\r\n", drop=False))
    long = [b"z" * 998 + b"\r\n"] * 60_000
    attempted = await stack.send("bob@example.test", *long)
    assert attempted.verdict is Verdict.HARD
    assert attempted.output == "552 5.3.4 Too big"
    assert not peer.mails


async def test_a_reply_that_no_command_asked_for_ends_the_conversation(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("DATA", Raw(b"354 go\r\n250 2.0.0 accepted already\r\n"))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    assert not peer.mails


@pytest.mark.parametrize(
    "nonsense",
    [
        b"hello there\r\n",
        b"2" + b"5" * 600_000,
        b"250-more\r\n" * 60_000,
        b"250-a\r\n251 b\r\n",
        b"\x00\xff\xfe" * 2000,
    ],
    ids=["prose", "line without end", "reply without end", "two codes", "binary"],
)
@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL"])
async def test_nonsense_is_temporary(
    stack: Stack, peer: SmtpPeer, nonsense: bytes, stage: str
) -> None:
    peer.on(stage, Raw(nonsense, drop=True))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown


@pytest.mark.parametrize(
    ("stage", "code", "verdict"),
    [
        ("RCPT", b"550", Verdict.HARD),
        ("RCPT", b"450", Verdict.SOFT),
        (".", b"554", Verdict.HARD),
        (".", b"250", Verdict.SENT),
    ],
)
async def test_a_reply_without_end_means_what_its_code_says_and_ends_the_connection(
    stack: Stack, peer: SmtpPeer, stage: str, code: bytes, verdict: Verdict
) -> None:
    peer.once(stage, Raw((code + b"-and so on\r\n") * 60_000))
    attempted = await stack.send()
    assert (attempted.verdict, attempted.outcome_unknown) == (verdict, False)
    assert attempted.output is not None and attempted.output.startswith(code.decode())
    assert (await stack.send()).verdict is Verdict.SENT
    assert len(peer.connections) == 2


async def test_nonsense_after_the_final_dot_leaves_the_outcome_unknown(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on(".", Raw(b"yes, thanks\r\n"))
    assert (await stack.send()).outcome_unknown


LONG_REPLIES = {
    "one long line": (b"", b"x" * 5_000),
    "many lines": (b"line\r\n" * 1_000, b"end"),
    "many long lines": ((b"y" * 4_000 + b"\r\n") * 50, b"z" * 4_000),
}


def long_reply(code: bytes, how: str) -> Raw:
    lines, last = LONG_REPLIES[how]
    before = b"".join(code + b"-" + line for line in lines.splitlines(keepends=True))
    return Raw(before + code + b" 5.1.1 " + last + b"\r\n")


@pytest.mark.parametrize("how", LONG_REPLIES)
async def test_a_long_reply_to_the_final_dot_is_what_its_code_says(
    stack: Stack, peer: SmtpPeer, how: str
) -> None:
    peer.once(".", long_reply(b"250", how)).once(".", long_reply(b"550", how))
    taken = await stack.send()
    assert (taken.verdict, taken.outcome_unknown) == (Verdict.SENT, False)
    refused = await stack.send()
    assert (refused.verdict, refused.outcome_unknown) == (Verdict.HARD, False)
    for attempted, code in ((taken, "250 "), (refused, "550 ")):
        assert attempted.output is not None
        assert attempted.output.startswith(code)
        assert len(attempted.output) == 250
    assert len(peer.connections) == 1


@pytest.mark.parametrize("how", LONG_REPLIES)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
async def test_a_long_refusal_is_a_refusal(
    stack: Stack, peer: SmtpPeer, stage: str, how: str
) -> None:
    peer.on(stage, long_reply(b"550", how))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.HARD
    assert attempted.output is not None and len(attempted.output) == 250


async def test_a_long_greeting_and_a_long_ehlo_are_read_to_their_end(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("GREETING", long_reply(b"220", "many lines"))
    peer.keywords = ["SIZE", *[f"XEXTENSION{number}" for number in range(500)], "STARTTLS"]
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.sent_with_ssl


async def test_a_reply_counts_though_nonsense_follows_it(stack: Stack, peer: SmtpPeer) -> None:
    peer.on(".", Raw(b"250 2.0.0 Taken\r\nand good bye\r\n"))
    attempted = await stack.send()
    assert (attempted.verdict, attempted.output) == (Verdict.SENT, "250 2.0.0 Taken")
    peer.usual(".")
    assert (await stack.send()).verdict is Verdict.SENT
    assert len(peer.connections) == 2


async def test_a_slow_server_and_one_that_sends_byte_by_byte_are_waited_for(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("GREETING", Split("220 peer.test ESMTP\nwith two lines"))
    peer.on("MAIL", Split("250 2.1.0 ok\nindeed"))
    peer.on("RCPT", Delay(0.3, "250 2.1.5 ok")).on(".", Delay(0.3, "250 2.0.0 at last"))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.output == "250 2.0.0 at last"
    assert attempted.seconds >= 0.6


async def test_a_server_that_stalls_before_the_final_dot_is_given_up(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("RCPT", STALL)
    stack.hurry()
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    assert attempted.details == (
        f"Temporary SMTP delivery error when sending to 127.0.0.1:{peer.port} (mx.example.test)"
    )
    assert attempted.output == "The server did not answer in time."
    assert len(peer.connections) == 1


@pytest.mark.parametrize(("stage", "unknown"), [("RCPT", False), (".", True)])
async def test_the_deadline_ends_an_attempt_and_says_truly_whether_the_dot_was_sent(
    stack: Stack, peer: SmtpPeer, stage: str, unknown: bool
) -> None:
    stack.deadline = 0.5
    peer.on(stage, STALL)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.outcome_unknown is unknown
    assert attempted.seconds < 9  # the limit of one reply is ten seconds
    await peer.wait_closed()


async def test_a_kept_session_that_is_dead_is_not_called_again_for_longer_than_the_deadline(
    stack: Stack, peer: SmtpPeer
) -> None:
    """The session is replaced within the same attempt, and a server that no longer greets must not hold it."""
    assert (await stack.send()).verdict is Verdict.SENT
    peer.once("MAIL", DROP).on("GREETING", STALL)
    stack.egress._limits = replace(PATIENT, greeting=600.0)
    stack.deadline = 0.5
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    assert attempted.output == "The connection took too long."


async def test_the_limits_of_an_attempt_are_those_of_rfc_5321_and_the_deadline_cuts_them() -> None:
    limits = TimeLimits.of(Settings())
    assert (limits.greeting, limits.mail, limits.rcpt) == (300, 300, 300)
    assert (limits.connect, limits.data, limits.block, limits.final_dot) == (30, 120, 180, 600)
    assert limits.final_dot > Settings().deadline_seconds


@pytest.mark.parametrize(
    ("stage", "name"),
    [("MAIL", "mail"), ("RCPT", "rcpt"), ("DATA", "data"), (".", "final_dot")],
)
async def test_each_step_has_a_limit_of_its_own(
    stack: Stack, peer: SmtpPeer, stage: str, name: str
) -> None:
    stack.egress = stack._egress(replace(TimeLimits(*[600.0] * 8), **{name: 0.3}))
    stack.deadline = 60.0
    peer.on(stage, STALL)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.seconds < stack.deadline  # which no other limit would have been reached before
    assert len(peer.connections) == 1


async def test_a_server_that_stops_reading_has_the_limit_of_a_block(
    stack: Stack, peer: SmtpPeer
) -> None:
    stack.egress = stack._egress(replace(PATIENT, block=0.5))
    peer.on("BODY", Delay(60.0, "451 4.3.0 Too late"))
    attempted = await stack.send("bob@example.test", CONTENT, b"x" * 40_000_000)
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "The server stopped reading."
    assert not attempted.outcome_unknown


@pytest.mark.parametrize("keywords", [["STARTTLS"], []], ids=["tls", "clear"])
@pytest.mark.parametrize("size", [60_000, 250_000, 400_000])
@pytest.mark.parametrize("how", ["aborts", "stays silent"])
async def test_a_message_that_never_left_us_is_certainly_not_delivered(
    stack: Stack,
    peer: SmtpPeer,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    size: int,
    keywords: list[str],
) -> None:
    """The system takes a few thousand bytes, and the server reads none of the rest."""
    made = SmtpConnection.connection_made

    def narrow(self: SmtpConnection, transport: asyncio.BaseTransport) -> None:
        made(self, transport)
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)

    monkeypatch.setattr(SmtpConnection, "connection_made", narrow)
    assert peer._server is not None
    peer._server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    peer.keywords = keywords
    stack.egress = stack._egress(replace(PATIENT, block=0.5))
    peer.on("BODY", Deaf(0.2 if how == "aborts" else 60.0))
    attempted = await stack.send("bob@example.test", CONTENT, b"x" * size + b"\r\n")
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    if how == "stays silent":
        assert attempted.output == "The server stopped reading."
    assert not peer.mails


async def test_dots_and_a_missing_final_newline_arrive_as_they_were(
    stack: Stack, peer: SmtpPeer
) -> None:
    parts = (b".first\r", b"\n.second\r\n", b".", b"\r\n..three\r\n.\r\nRSET\r\nend")
    assert (await stack.send("bob@example.test", *parts)).verdict is Verdict.SENT
    assert peer.mails[0].content == b"".join(parts) + b"\r\n"
    assert "RSET" not in peer.commands


async def test_a_long_message_arrives_byte_for_byte(stack: Stack, peer: SmtpPeer) -> None:
    parts = (CONTENT, b"." * 70 + b"\r\n.\r\n" * 3_000, (b"q" * 998 + b"\r\n") * 2_000)
    assert (await stack.send("bob@example.test", *parts)).verdict is Verdict.SENT
    assert peer.mails[0].content == b"".join(parts)
