"""TLS: used when offered, done without when it breaks, insisted on where the policy says so."""

from __future__ import annotations

import ssl
import warnings
from dataclasses import replace

import pytest

from chalicelib.adapters.network import time_limits
from chalicelib.adapters.network.time_limits import TimeLimits
from chalicelib.adapters.network.tls_client import (
    opportunistic_context,
    unverified_context,
    verified_context,
)
from chalicelib.config import Settings
from chalicelib.domain.smtp.attempt_result import LEAST_HOST_SECONDS
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from chalicelib.services.outgoing import smtp_attempt
from tests.integration.delivery.conftest import HASTY, PATIENT, Stack
from tests.peers import DROP, RESET, STALL, Action, Delay, Raw, SmtpPeer, certificate

GARBAGE = Raw(b"this is no TLS\r\n" * 20, drop=True)
FAILURES = {
    "no reply": ("STARTTLS", STALL),
    "closed": ("STARTTLS", DROP),
    "reset": ("STARTTLS", RESET),
    "refused and closed": ("STARTTLS", Raw(b"454 4.7.0 TLS not available\r\n", drop=True)),
    "421": ("STARTTLS", "421 4.3.2 Going down"),
    "another positive code": ("STARTTLS", "250 2.0.0 Fine"),
    "half a reply": ("STARTTLS", Raw(b"220-2.0.0 Rea")),
    "half a reply and closed": ("STARTTLS", Raw(b"220 2.0.0 Rea", drop=True)),
    "a line that is no reply": ("STARTTLS", Raw(b"hello there\r\n")),
    "more than the reply": ("STARTTLS", Raw(b"220 go\r\n250-evil.test\r\n250 AUTH PLAIN\r\n")),
    "handshake closed": ("TLS", DROP),
    "handshake is garbage": ("TLS", GARBAGE),
    "handshake stalls": ("TLS", STALL),
}


def hurry_tls(stack: Stack) -> None:
    """Be patient but for the steps of STARTTLS."""
    stack.egress = stack._egress(replace(PATIENT, starttls=0.5))


@pytest.mark.parametrize("how", FAILURES)
async def test_however_starttls_fails_clear_text_follows_on_a_new_connection(
    stack: Stack, peer: SmtpPeer, how: str
) -> None:
    stage, action = FAILURES[how]
    peer.on(stage, action)
    if action == STALL or how == "half a reply":
        hurry_tls(stack)
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert (attempted.tls, attempted.sent_with_ssl) == (None, False)
    assert len(peer.connections) == 2
    assert "STARTTLS" not in [line.decode() for line in peer.connections[1].lines]


@pytest.mark.parametrize(
    "action",
    [DROP, STALL, "421 4.3.2 Going down", "554 5.7.1 Not like this"],
    ids=["closed", "silent", "421", "554"],
)
async def test_a_server_that_leaves_after_the_handshake_gets_clear_text(
    stack: Stack, peer: SmtpPeer, action: Action
) -> None:
    peer.once("EHLO", lambda line: None).once("EHLO", action)
    if action == "554 5.7.1 Not like this":
        peer.once("HELO", action)
    hurry_tls(stack)
    attempted = await stack.send()
    assert (attempted.verdict, attempted.tls) == (Verdict.SENT, None)
    assert len(peer.connections) == 2


async def test_a_stalled_starttls_leaves_time_for_clear_text(stack: Stack, peer: SmtpPeer) -> None:
    """A stall costs less than the least share of a host, and that less than a quarter of an attempt."""
    assert (
        stack.settings.starttls_seconds < LEAST_HOST_SECONDS < stack.settings.deadline_seconds / 4
    )
    async with SmtpPeer(host="127.0.0.2", port=stack.settings.delivery_port) as other:
        stack.zone.mx("example.test", (10, "mx.example.test"), (20, "mx2.example.test"))
        stack.zone.a("mx2.example.test", "127.0.0.2")
        hurry_tls(stack)
        peer.on("STARTTLS", STALL)
        attempted = await stack.send()
        assert (attempted.verdict, attempted.tls) == (Verdict.SENT, None)
        assert (len(peer.mails), len(other.connections)) == (1, 0)


@pytest.mark.parametrize("spent", [0.0, 1.0, 10.0, 16.0])
def test_however_slow_a_server_is_clear_text_fits_behind_a_stalled_starttls(spent: float) -> None:
    limits = TimeLimits.of(Settings())
    assert spent + limits.upgrade(spent) + spent < LEAST_HOST_SECONDS
    assert 10.0 <= limits.upgrade(spent) <= limits.starttls


def test_tls_is_never_given_up_in_a_hurry() -> None:
    assert TimeLimits.of(Settings()).upgrade(40.0) == 10.0
    assert replace(PATIENT, starttls=0.5).upgrade(0.0) == 0.5


async def test_the_steps_of_starttls_share_one_limit(stack: Stack, peer: SmtpPeer) -> None:
    """Two steps of 0.8 s each are more than 1.2 s, and each of them is less."""
    stack.egress = stack._egress(replace(PATIENT, starttls=1.2))
    peer.on("STARTTLS", Delay(0.8, "220 2.0.0 Go on"))
    peer.once("EHLO", lambda line: None).once("EHLO", Delay(0.8, "250 peer.test"))
    attempted = await stack.send()
    assert (attempted.verdict, attempted.tls) == (Verdict.SENT, None)
    assert len(peer.connections) == 2


async def test_slow_hosts_that_stall_starttls_get_clear_text_within_their_share(
    stack: Stack, peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seconds are a tenth as long here: five hosts, a greeting after 16 s, no answer to STARTTLS."""
    monkeypatch.setattr(smtp_attempt, "LEAST_HOST_SECONDS", 4.5)
    for name, value in (("LEAST_HOST_SECONDS", 4.5), ("LEAST_UPGRADE", 1.0), ("MARGIN", 0.2)):
        monkeypatch.setattr(time_limits, name, value)
    stack.egress = stack._egress(replace(PATIENT, starttls=3.0))
    stack.deadline = 24.0
    names = [f"mx{number}.example.test" for number in range(5)]
    stack.zone.mx("example.test", *((10, name) for name in names))
    for name in names:
        stack.zone.a(name, "127.0.0.1")
    peer.on("GREETING", Delay(1.6, "220 peer.test ESMTP")).on("STARTTLS", STALL)
    attempted = await stack.send()
    assert (attempted.verdict, attempted.tls) == (Verdict.SENT, None)


@pytest.fixture
def old_context() -> ssl.SSLContext:
    """A server's side that knows TLS 1.0 alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    context.set_ciphers("ALL:@SECLEVEL=0")
    _, cert_file, key_file = certificate()
    context.load_cert_chain(cert_file, key_file)
    return context


async def test_tls_1_0_is_better_than_clear_text(
    stack: Stack, peer: SmtpPeer, old_context: ssl.SSLContext
) -> None:
    peer.tls_context = old_context
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.tls is not None and attempted.tls.startswith("TLSv1 ")
    assert peer.mails[0].tls == "TLSv1"
    assert len(peer.connections) == 1


@pytest.mark.parametrize("kind", [EgressKind.DIRECT, EgressKind.SMARTHOST])
async def test_tls_1_0_is_no_tls_where_tls_is_required(
    stack: Stack, peer: SmtpPeer, old_context: ssl.SSLContext, kind: EgressKind
) -> None:
    peer.tls_context = old_context
    stack.pools.sources = (
        EgressSource("strict", kind=kind, host="127.0.0.1", port=peer.port, tls="required"),
    )
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "The TLS handshake failed."
    assert not peer.mails


def test_only_opportunistic_tls_goes_below_1_2() -> None:
    assert opportunistic_context().minimum_version is ssl.TLSVersion.TLSv1
    assert unverified_context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert verified_context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert verified_context().verify_mode is ssl.CERT_REQUIRED


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
    stack.pools.sources = (EgressSource("strict", tls="required"),)
    peer.on("STARTTLS", Raw(b"220 go\r\n250-evil.test\r\n250 AUTH PLAIN\r\n"))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "The server spoke out of turn before TLS."
    assert not peer.mails


@pytest.mark.parametrize("spelling", ["required", "STARTTLS", "STARTLS"])
@pytest.mark.parametrize("how", ["not offered", "declined", *FAILURES])
async def test_required_tls_never_falls_back(
    stack: Stack, peer: SmtpPeer, spelling: str, how: str
) -> None:
    stack.pools.sources = (EgressSource("strict", tls=spelling),)
    if how == "not offered":
        peer.keywords.remove("STARTTLS")
    elif how == "declined":
        peer.on("STARTTLS", "454 4.7.0 TLS not available")
    else:
        peer.on(*FAILURES[how])
        stack.egress = stack._egress(HASTY)
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
