"""TLS: used when offered, done without when it breaks, insisted on where the policy says so."""

from __future__ import annotations

import pytest

from chalicelib.domain.classify import Verdict
from chalicelib.domain.tenancy import EgressSource
from tests.integration.delivery.conftest import Stack
from tests.peers import DROP, Raw, SmtpPeer


@pytest.mark.parametrize(
    "broken", [DROP, Raw(b"this is no TLS\r\n" * 20, drop=True)], ids=["drop", "garbage"]
)
async def test_a_broken_handshake_is_followed_by_clear_text(
    stack: Stack, peer: SmtpPeer, broken: object
) -> None:
    peer.on("TLS", broken)  # type: ignore[arg-type]
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert (attempted.tls, attempted.sent_with_ssl) == (None, False)
    assert len(peer.connections) == 2
    assert "STARTTLS" not in [line.decode() for line in peer.connections[1].lines]


async def test_a_server_that_declines_starttls_is_talked_to_in_clear_text(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("STARTTLS", "454 4.7.0 TLS not available")
    attempted = await stack.send()
    assert (attempted.verdict, attempted.tls) == (Verdict.SENT, None)
    assert len(peer.connections) == 1


async def test_text_slipped_in_before_the_handshake_is_not_taken_for_replies(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("STARTTLS", Raw(b"220 go\r\n250-evil.test\r\n250 AUTH PLAIN\r\n"))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "The server spoke out of turn before TLS."
    assert not peer.mails


@pytest.mark.parametrize("spelling", ["required", "STARTTLS", "STARTLS"])
@pytest.mark.parametrize("how", ["not offered", "declined", "broken"])
async def test_required_tls_never_falls_back(
    stack: Stack, peer: SmtpPeer, spelling: str, how: str
) -> None:
    stack.pools.sources = (EgressSource("strict", tls=spelling),)
    if how == "not offered":
        peer.keywords.remove("STARTTLS")
    elif how == "declined":
        peer.on("STARTTLS", "454 4.7.0 TLS not available")
    else:
        peer.on("TLS", DROP)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert "MAIL" not in peer.commands


async def test_required_tls_is_used_when_there_is_some(stack: Stack, peer: SmtpPeer) -> None:
    stack.pools.sources = (EgressSource("strict", tls="required"),)
    assert (await stack.send()).verdict is Verdict.SENT
    assert peer.mails[0].tls == "TLSv1.3"


async def test_no_tls_when_the_source_wants_none(stack: Stack, peer: SmtpPeer) -> None:
    stack.pools.sources = (EgressSource("open", tls="none"),)
    assert (await stack.send()).tls is None
    assert "STARTTLS" not in peer.commands
