"""What becomes of a message by what one server says at each stage."""

from __future__ import annotations

import pytest

from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.smtp.classify import Verdict
from tests.integration.delivery.conftest import CONTENT, Stack, message_to
from tests.peers import DROP, SmtpPeer

PIPELINED = ("PIPELINING", "SIZE 1000000", "8BITMIME", "STARTTLS")
STEPWISE = ("SIZE 1000000", "8BITMIME")


async def test_accepted_mail_arrives_byte_for_byte_over_tls(stack: Stack, peer: SmtpPeer) -> None:
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.details == (
        f"Message for bob@example.test accepted by 127.0.0.1:{peer.port} (mx.example.test)"
    )
    assert attempted.output == "250 2.0.0 Ok: queued"
    assert attempted.tls is not None and attempted.tls.startswith("TLSv1.3 TLS_")
    assert attempted.sent_with_ssl
    assert attempted.source == "127.0.0.1"
    assert attempted.remote == f"127.0.0.1:{peer.port} (mx.example.test)"
    assert 0 < attempted.seconds < 10
    assert not attempted.outcome_unknown
    [mail] = await peer.wait_for(1)
    assert (mail.mail_from, mail.rcpt_to) == ("bounce@sender.test", ["bob@example.test"])
    assert mail.content == CONTENT
    assert mail.helo == "mail.posthorn.test"
    assert mail.mail_parameters == f"SIZE={len(CONTENT)}"


@pytest.mark.parametrize("keywords", [PIPELINED, STEPWISE], ids=["pipelined", "stepwise"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("reply", "verdict", "kind"),
    [
        ("450 4.2.0 Greylisted", Verdict.SOFT, "Temporary"),
        ("502 5.5.1 Not now", Verdict.SOFT, "Temporary"),
        ("535 5.7.8 Who are you", Verdict.SOFT, "Temporary"),
        ("550 5.1.1 User unknown", Verdict.HARD, "Permanent"),
    ],
)
async def test_a_refusal_at_any_stage_is_recorded_with_its_exact_reply(
    stack: Stack,
    peer: SmtpPeer,
    stage: str,
    reply: str,
    verdict: Verdict,
    kind: str,
    keywords: tuple[str, ...],
) -> None:
    peer.keywords = list(keywords)
    peer.on(stage, reply)
    attempted = await stack.send()
    assert attempted.verdict is verdict
    assert attempted.details == (
        f"{kind} SMTP delivery error when sending to 127.0.0.1:{peer.port} (mx.example.test)"
    )
    assert attempted.output == reply
    assert not attempted.outcome_unknown
    assert not peer.mails
    # The session is still in step: the next message goes through on it.
    peer.usual(stage)
    assert (await stack.send()).verdict is Verdict.SENT
    assert len(peer.connections) == 1


@pytest.mark.parametrize("keywords", [PIPELINED, STEPWISE], ids=["pipelined", "stepwise"])
async def test_421_before_the_final_dot_is_temporary_and_ends_the_session(
    stack: Stack, peer: SmtpPeer, keywords: tuple[str, ...]
) -> None:
    peer.keywords = list(keywords)
    peer.once("RCPT", "421 4.7.0 Try again in 5 minutes")
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "421 4.7.0 Try again in 5 minutes"
    assert attempted.retry_hint == 310
    assert (await stack.send()).verdict is Verdict.SENT
    assert len(peer.connections) == 2


@pytest.mark.parametrize(
    ("stage", "reply", "about_us"),
    [
        ("GREETING", "554 5.7.1 Your address is blocked", True),
        ("GREETING", "421 Too many connections", True),
        ("EHLO", "421 Not from you", True),
        ("HELO", "550 Not you", True),
        ("MAIL", "450 Not now", True),
        ("RCPT", "451 4.7.1 Deferred", True),
        ("RCPT", "450 4.2.0 Greylisted", True),
        ("RCPT", "450 4.2.0 Not now", False),
        ("RCPT", "451 4.3.0 Local error in processing", False),
        (".", "452 4.2.2 Mailbox full", False),
    ],
)
async def test_a_temporary_refusal_says_whether_it_is_about_us(
    stack: Stack, peer: SmtpPeer, stage: str, reply: str, about_us: bool
) -> None:
    if stage == "HELO":
        peer.on("EHLO", "502 5.5.1 Unknown")
    peer.on(stage, reply)
    attempted = await stack.send()
    assert (attempted.verdict, attempted.about_us) == (Verdict.SOFT, about_us)


async def test_an_outage_says_nothing_of_recipients_and_a_missing_domain_does(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("GREETING", DROP)
    lost = await stack.send()
    assert (lost.about_us, lost.cause) == (True, "connection")
    stack.zone.fail("dead.test", "SERVFAIL")
    unanswered = await stack.send("bob@dead.test")
    assert (unanswered.about_us, unanswered.cause) == (True, "dns_failure")
    missing = await stack.send("bob@nowhere.test")
    assert (missing.about_us, missing.cause) == (False, "domain_unknown")


async def test_a_server_that_wants_content_after_refusing_the_recipient_gets_a_lone_dot(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("RCPT", "550 5.1.1 User unknown").on("DATA", "354 go on then")
    attempted = await stack.send()
    assert attempted.verdict is Verdict.HARD
    assert attempted.output == "550 5.1.1 User unknown"
    assert not peer.mails
    assert CONTENT not in bytes(peer.connections[0].heard)
    peer.usual("RCPT").usual("DATA")
    assert (await stack.send()).verdict is Verdict.SENT
    assert len(peer.connections) == 1


async def test_a_server_that_wants_content_after_refusing_the_sender_gets_nothing(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("MAIL", "550 5.7.1 Not you").on("RCPT", "250 fine").on("DATA", "354 go on then")
    attempted = await stack.send()
    assert (attempted.verdict, attempted.output) == (Verdict.HARD, "550 5.7.1 Not you")
    await peer.wait_closed()
    assert b"\r\n.\r\n" not in bytes(peer.connections[0].heard)


async def test_a_250_in_place_of_354_is_never_taken_for_acceptance(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("DATA", "250 2.0.0 Message accepted for delivery")
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert not attempted.outcome_unknown
    assert all(CONTENT not in bytes(one.heard) for one in peer.connections)


async def test_a_reply_of_several_lines_is_kept_whole_up_to_250_characters(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("RCPT", "550-5.7.1 line one\n5.7.1 <script>\n" + "x" * 400)
    attempted = await stack.send()
    assert attempted.output is not None
    assert attempted.output.startswith("550 5.7.1 line one <script> xxx")
    assert len(attempted.output) == 250


async def test_the_remote_may_say_when_to_come_back(stack: Stack, peer: SmtpPeer) -> None:
    peer.on("RCPT", "450 4.7.1 Greylisted, come back in 300 seconds")
    assert (await stack.send()).retry_hint == 310


async def test_extensions_are_used_when_offered(stack: Stack, peer: SmtpPeer) -> None:
    dsn = DsnParameters("FAILURE,DELAY", "rfc822;bob@example.test", "HDRS", "QQ314159")
    envelope = Envelope("ä@sender.test", "bob@example.test", True, dsn)
    content = "Subject: ä\r\n\r\nü\r\n".encode()
    assert (
        await stack.send("bob@example.test", content, envelope=envelope)
    ).verdict is Verdict.SENT
    [mail] = await peer.wait_for(1)
    assert mail.mail_from == "ä@sender.test"
    assert mail.mail_parameters == (
        f"SIZE={len(content)} BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159"
    )
    assert mail.rcpt_parameters == ["NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.test"]


async def test_extensions_are_not_used_when_not_offered(stack: Stack, peer: SmtpPeer) -> None:
    peer.keywords = []
    dsn = DsnParameters("FAILURE", "rfc822;bob@example.test", "HDRS", "Q")
    envelope = Envelope("a@sender.test", "bob@example.test", True, dsn)
    attempted = await stack.send(envelope=envelope)
    assert attempted.verdict is Verdict.SENT
    [mail] = await peer.wait_for(1)
    assert (mail.mail_parameters, mail.rcpt_parameters) == ("", [""])


async def test_8_bit_content_is_returned_by_a_server_that_does_not_take_it(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.keywords = ["PIPELINING"]
    attempted = await stack.send("bob@example.test", "ü\r\n".encode())
    assert attempted.verdict is Verdict.HARD
    assert attempted.output is not None and attempted.output.startswith("554 5.6.3 ")
    assert "MAIL" not in peer.commands


async def test_8_bit_content_is_converted_in_the_conversation_that_asks_for_it(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("EHLO", "502 5.5.1 Not implemented")

    async def converted() -> list[bytes]:
        return [b"=C3=BC\r\n"]

    envelope = Envelope("a@sender.test", "bob@example.test")
    attempted = await stack.sender.deliver(
        message_to("bob@example.test"), envelope, ["ü\r\n".encode()], 0, converted
    )
    assert attempted.verdict is Verdict.SENT
    [mail] = await peer.wait_for(1)
    assert mail.content == b"=C3=BC\r\n"
    assert len(peer.connections) == 1


async def test_an_internationalised_recipient_needs_smtputf8(stack: Stack, peer: SmtpPeer) -> None:
    peer.keywords = ["PIPELINING"]
    attempted = await stack.send("jürgen@example.test")
    assert attempted.verdict is Verdict.HARD
    assert attempted.output is not None and attempted.output.startswith("550 5.6.7")
    assert "MAIL" not in peer.commands


async def test_only_the_domain_is_internationalised_so_a_labels_do(
    stack: Stack, peer: SmtpPeer, zone: object
) -> None:
    peer.keywords = ["PIPELINING"]
    stack.zone.mx("xn--bcher-kva.test", (10, "mx.example.test"))
    assert (await stack.send("bob@bücher.test")).verdict is Verdict.SENT
    assert peer.mails[0].rcpt_to == ["bob@xn--bcher-kva.test"]


async def test_helo_is_tried_when_ehlo_is_unknown(stack: Stack, peer: SmtpPeer) -> None:
    peer.on("EHLO", "502 5.5.1 What?")
    assert (await stack.send()).verdict is Verdict.SENT
    assert peer.commands[:2] == ["EHLO", "HELO"]
    assert peer.mails[0].tls is None


@pytest.mark.parametrize("bad", ["\r\nRCPT TO:<eve@evil.test>", "\0", "\n", ">", "\x85", "\u2028"])
@pytest.mark.parametrize("where", ["mail_from", "rcpt_to", "envid", "orcpt"])
async def test_an_envelope_that_would_inject_commands_is_refused_before_a_byte_is_said(
    stack: Stack, peer: SmtpPeer, bad: str, where: str
) -> None:
    dsn = DsnParameters(
        envid=f"x{bad}" if where == "envid" else "", orcpt=f"x{bad}" if where == "orcpt" else ""
    )
    if where in ("envid", "orcpt") and bad == ">":
        bad = " NOTIFY=NEVER"
        dsn = DsnParameters(envid=f"x{bad}", orcpt=f"x{bad}")
    envelope = Envelope(
        f"a{bad}@sender.test" if where == "mail_from" else "a@sender.test",
        f"b{bad}@example.test" if where == "rcpt_to" else "b@example.test",
        dsn=dsn,
    )
    attempted = await stack.send("b@example.test", envelope=envelope)
    assert attempted.verdict is Verdict.HARD
    said = "553 5.1.3" if where == "rcpt_to" else "554 5.6.0"
    assert attempted.output is not None and attempted.output.startswith(said)
    assert "MAIL" not in peer.commands and "RCPT" not in peer.commands
