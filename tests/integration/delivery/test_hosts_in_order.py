"""Which hosts are tried, in which order, and what it means when there is none."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.services.outgoing import smtp_attempt
from tests.integration.delivery.conftest import PATIENT, Stack
from tests.peers import DROP, STALL, Delay, SmtpPeer


def closed_address(stack: Stack) -> str:
    """A loopback address where nobody listens on the delivery port."""
    address = "127.0.0.77"
    with socket.socket() as probe:
        assert probe.connect_ex((address, stack.settings.delivery_port)) != 0
    return address


async def test_a_broken_first_host_is_passed_over(stack: Stack, peer: SmtpPeer) -> None:
    stack.zone.mx("example.test", (5, "dead.example.test"), (10, "mx.example.test"))
    stack.zone.a("dead.example.test", closed_address(stack))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SENT
    assert attempted.remote == f"127.0.0.1:{peer.port} (mx.example.test)"


@pytest.mark.parametrize("stage", ["GREETING", "EHLO"])
@pytest.mark.parametrize(
    "how",
    ["421 4.3.2 Too busy", "554 5.7.1 Go away", DROP, STALL],
    ids=["421", "554", "drop", "stall"],
)
async def test_a_host_that_does_not_want_to_talk_is_passed_over(
    stack: Stack, stage: str, how: object
) -> None:
    async with SmtpPeer(host="127.0.0.2", port=stack.settings.delivery_port) as first:
        first.on(stage, how)  # type: ignore[arg-type]
        if how == STALL:
            stack.hurry()
        if stage == "EHLO":
            first.on("HELO", how)  # type: ignore[arg-type]
        stack.zone.mx("example.test", (5, "first.example.test"), (10, "mx.example.test"))
        stack.zone.a("first.example.test", "127.0.0.2")
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SENT
        assert attempted.remote is not None and "(mx.example.test)" in attempted.remote
        assert len(first.connections) == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "."])
async def test_no_other_host_is_asked_after_a_reply_about_the_message(
    stack: Stack, peer: SmtpPeer, stage: str
) -> None:
    async with SmtpPeer(host="127.0.0.2", port=stack.settings.delivery_port) as first:
        first.on(stage, "450 4.2.0 Later")
        stack.zone.mx("example.test", (5, "first.example.test"), (10, "mx.example.test"))
        stack.zone.a("first.example.test", "127.0.0.2")
        assert (await stack.send()).verdict is Verdict.SOFT
        assert not peer.connections


@asynccontextmanager
async def a_first_host(stack: Stack, **options: Any) -> AsyncIterator[SmtpPeer]:
    """A peer that is preferred to the usual one."""
    async with SmtpPeer(host="127.0.0.2", port=stack.settings.delivery_port, **options) as first:
        stack.zone.mx("example.test", (5, "first.example.test"), (10, "mx.example.test"))
        stack.zone.a("first.example.test", "127.0.0.2")
        yield first


@pytest.mark.parametrize("keywords", [["PIPELINING"], []], ids=["pipelined", "stepwise"])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("how", ["421 4.3.2 Going down", DROP, STALL], ids=["421", "drop", "stall"])
async def test_a_host_that_leaves_before_the_content_is_passed_over(
    stack: Stack, peer: SmtpPeer, stage: str, how: Any, keywords: list[str]
) -> None:
    async with a_first_host(stack, keywords=keywords) as first:
        first.on(stage, how)
        if how == STALL:
            stack.hurry()
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SENT
        assert attempted.remote == f"127.0.0.1:{peer.port} (mx.example.test)"
        assert (len(first.mails), len(peer.mails)) == (0, 1)


async def test_when_every_host_leaves_the_last_421_is_the_result(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("MAIL", "421 4.7.0 Come back in 10 minutes")
    async with a_first_host(stack) as first:
        first.on("MAIL", "421 4.3.2 Going down")
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SOFT
        assert attempted.output == "421 4.7.0 Come back in 10 minutes"
        assert attempted.retry_hint == 610
        assert attempted.details == (
            f"Temporary SMTP delivery error when sending to 127.0.0.1:{peer.port} (mx.example.test)"
        )


async def test_a_421_is_worth_more_than_a_host_that_cannot_be_reached(stack: Stack) -> None:
    async with a_first_host(stack) as first:
        first.on("RCPT", "421 4.3.2 Going down")
        stack.zone.a("mx.example.test", closed_address(stack))
        attempted = await stack.send()
        assert (attempted.verdict, attempted.output) == (Verdict.SOFT, "421 4.3.2 Going down")


async def test_421_to_the_final_dot_is_a_reply_about_the_message(
    stack: Stack, peer: SmtpPeer
) -> None:
    async with a_first_host(stack) as first:
        first.on(".", "421 4.3.2 Going down")
        attempted = await stack.send()
        assert (attempted.verdict, attempted.output) == (Verdict.SOFT, "421 4.3.2 Going down")
        assert not attempted.outcome_unknown
        assert not peer.connections


@pytest.mark.parametrize("stage", ["GREETING", "EHLO", "MAIL", "RCPT"])
async def test_a_silent_host_has_its_share_of_the_deadline_and_no_more(
    stack: Stack, peer: SmtpPeer, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of a reply is ten seconds here, the whole attempt has four."""
    monkeypatch.setattr(smtp_attempt, "LEAST_HOST_SECONDS", 0.5)
    stack.deadline = 4.0
    async with a_first_host(stack) as first:
        first.on(stage, STALL)
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SENT
        assert attempted.remote == f"127.0.0.1:{peer.port} (mx.example.test)"
        assert len(first.connections) == 1


async def test_a_host_that_has_begun_to_take_content_is_not_cut_off_for_another(
    stack: Stack, peer: SmtpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_attempt, "LEAST_HOST_SECONDS", 0.2)
    stack.deadline = 8.0
    async with a_first_host(stack) as first:
        first.on(".", Delay(4.3, "250 2.0.0 Scanned"))
        stack.egress = stack._egress(replace(PATIENT, final_dot=60.0))
        attempted = await stack.send()
        assert (attempted.verdict, attempted.output) == (Verdict.SENT, "250 2.0.0 Scanned")
        assert not peer.connections


async def test_when_no_host_answers_each_is_named_once(stack: Stack) -> None:
    hosts = [(10 + n, f"mx{n}.dead.test") for n in range(3)]
    stack.zone.mx("dead.test", *hosts)
    for number, (_, host) in enumerate(hosts):
        stack.zone.a(host, f"127.0.0.{70 + number}", f"127.0.0.{80 + number}")
    attempted = await stack.send("bob@dead.test")
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == (
        "No SMTP servers were available for dead.test. "
        "Tried mx0.dead.test, mx1.dead.test, and mx2.dead.test."
    )
    assert attempted.output == "Cannot connect: Connection refused."
    assert attempted.remote is None


async def test_the_greeting_of_the_last_host_is_the_output_and_the_hint(
    stack: Stack, peer: SmtpPeer
) -> None:
    peer.on("GREETING", "421 4.7.0 Come back in 10 minutes")
    attempted = await stack.send()
    assert attempted.details == (
        "No SMTP servers were available for example.test. Tried mx.example.test."
    )
    assert (
        attempted.output == "The server refused the connection: 421 4.7.0 Come back in 10 minutes"
    )
    assert attempted.retry_hint == 610


async def test_without_mx_the_domain_itself_is_the_host(stack: Stack, peer: SmtpPeer) -> None:
    stack.zone.a("plain.test", "127.0.0.1")
    attempted = await stack.send("bob@plain.test")
    assert attempted.verdict is Verdict.SENT
    assert attempted.remote == f"127.0.0.1:{peer.port} (plain.test)"


async def test_a_domain_without_mx_and_address_has_no_hosts(stack: Stack) -> None:
    stack.zone.txt("bare.test", "nothing here")
    attempted = await stack.send("bob@bare.test")
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == "No SMTP servers were available for bare.test. Tried bare.test."
    assert attempted.output == "bare.test has no MX and no address."


async def test_an_mx_without_an_address_says_so(stack: Stack) -> None:
    stack.zone.mx("half.test", (10, "mx.half.test"))
    stack.zone.txt("mx.half.test", "nothing here")
    attempted = await stack.send("bob@half.test")
    assert attempted.details == "No SMTP servers were available for half.test. Tried mx.half.test."
    assert attempted.output == "mx.half.test has no address."


async def test_an_address_that_the_source_has_no_way_to_says_so(stack: Stack) -> None:
    stack.pools.sources = (EgressSource("four", address="127.0.0.1"),)
    stack.zone.mx("six.test", (10, "mx.six.test"))
    stack.zone.aaaa("mx.six.test", "2001:db8::25")
    attempted = await stack.send("bob@six.test")
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "four has no way to 2001:db8::25 (mx.six.test)."


async def test_a_null_mx_is_permanent_at_once(stack: Stack) -> None:
    stack.zone.mx("null.test", (0, ""))
    attempted = await stack.send("bob@null.test")
    assert attempted.verdict is Verdict.HARD
    assert attempted.output == "556 5.1.10 Recipient address has null MX"


async def test_a_missing_domain_is_permanent_only_when_it_stays_missing(stack: Stack) -> None:
    for tries in range(3):
        attempted = await stack.send("bob@missing.test", tries=tries)
        assert attempted.verdict is Verdict.SOFT
    attempted = await stack.send("bob@missing.test", tries=3)
    assert attempted.verdict is Verdict.HARD
    assert attempted.output == "550 5.1.2 The recipient's domain does not exist"


@pytest.mark.parametrize("how", ["SERVFAIL", "REFUSED", "TIMEOUT"])
async def test_name_servers_that_fail_are_temporary_however_often(stack: Stack, how: str) -> None:
    stack.zone.fail("broken.test", how)
    stack.hurry()
    attempted = await stack.send("bob@broken.test", tries=17)
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details.startswith("No SMTP servers were available for broken.test.")
    assert attempted.output == "451 4.4.3 The name servers of broken.test do not answer"


async def test_a_host_whose_address_cannot_be_looked_up_is_passed_over(
    stack: Stack, peer: SmtpPeer
) -> None:
    stack.zone.mx("example.test", (5, "lost.example.test"), (10, "mx.example.test"))
    stack.zone.fail("lost.example.test", "SERVFAIL")
    assert (await stack.send()).verdict is Verdict.SENT


async def test_silent_name_servers_take_no_more_than_the_deadline(stack: Stack) -> None:
    names = [f"mx{number}.example.test" for number in range(10)]
    stack.zone.mx("example.test", *((number, name) for number, name in enumerate(names)))
    for name in names:
        stack.zone.fail(name, "TIMEOUT")
    stack.deadline, stack.dns_seconds = 1.0, 60.0
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.output == "The name servers did not answer in time."
    assert attempted.details.endswith("Tried mx0.example.test.")
    assert not any(stack.zone.asked(name, "A") for name in names[1:])


async def test_a_silent_name_server_of_the_domain_takes_no_more_than_the_deadline(
    stack: Stack,
) -> None:
    stack.zone.fail("silent.test", "TIMEOUT")
    stack.deadline, stack.dns_seconds = 0.5, 60.0
    attempted = await stack.send("bob@silent.test")
    assert (attempted.verdict, attempted.about_us) == (Verdict.SOFT, True)
    assert attempted.cause == "dns_failure"
    assert attempted.output == "451 4.4.3 The name servers did not answer in time."


async def test_an_address_literal_needs_no_dns(stack: Stack, peer: SmtpPeer) -> None:
    attempted = await stack.send("bob@[127.0.0.1]")
    assert attempted.verdict is Verdict.SENT
    assert peer.mails[0].rcpt_to == ["bob@[127.0.0.1]"]
    assert not stack.zone.queries


@pytest.mark.parametrize("domain", ["[127.0.0.256]", "[IPv6:::1::]", "[IPv6:127.0.0.1]"])
async def test_an_unreadable_address_literal_is_permanent(stack: Stack, domain: str) -> None:
    attempted = await stack.send(f"bob@{domain}")
    assert attempted.verdict is Verdict.HARD
    assert attempted.output == "550 5.1.3 Bad destination address literal"


@pytest.mark.parametrize(
    "address",
    ["bob", "bob@[127.1]", "bob@[0x7f000001]", "bob@[IPv6:nonsense]", "bob@[::1]", "bob@[",
     "bob@other.test@example.test", '"bob> ORCPT=x@other.test"@example.test', "bob@example.test(x)other.test",
     "<bob@other.test> <bob@example.test>", "@other.test:bob@example.test"],
)  # fmt: skip
async def test_what_is_no_mailbox_fails_before_anybody_is_asked(
    stack: Stack, peer: SmtpPeer, address: str
) -> None:
    attempted = await stack.send(address)
    assert attempted.verdict is Verdict.HARD
    assert attempted.details == "The recipient's address is malformed."
    assert attempted.output == "553 5.1.3 The recipient's address is malformed"
    assert not stack.zone.queries
    assert not peer.commands


async def test_private_hosts_are_refused_unless_allowed(
    zone: object, stack: Stack, peer: SmtpPeer
) -> None:
    guarded = Stack(stack.zone, delivery_port=peer.port, allow_private_delivery=False)
    stack.zone.mx("inside.test", (10, "metadata.inside.test"), (20, "mx.example.test"))
    stack.zone.a("metadata.inside.test", "169.254.169.254")
    for tries, verdict in [(0, Verdict.SOFT), (2, Verdict.SOFT), (3, Verdict.HARD)]:
        attempted = await guarded.send("bob@inside.test", tries=tries)
        assert attempted.verdict is verdict
        assert attempted.details == "The recipient's domain has no public mail server."
    assert (await guarded.send("bob@[127.0.0.1]")).verdict is Verdict.SOFT
    assert (await guarded.send("bob@[IPv6:::ffff:127.0.0.1]")).verdict is Verdict.SOFT
    assert not peer.connections


async def test_ipv6_comes_before_ipv4(stack: Stack, peer: SmtpPeer) -> None:
    if not _has_ipv6():
        pytest.skip("this machine has no IPv6 loopback")
    stack.zone.aaaa("mx.example.test", "::1")
    async with SmtpPeer(host="::1", port=stack.settings.delivery_port) as six:
        attempted = await stack.send()
        assert attempted.remote == f"[::1]:{six.port} (mx.example.test)"
        assert (len(six.mails), len(peer.mails)) == (1, 0)


async def test_an_ipv6_address_that_cannot_be_reached_costs_nothing(
    stack: Stack, peer: SmtpPeer
) -> None:
    stack.zone.aaaa("mx.example.test", "::1")
    assert (await stack.send()).remote == f"127.0.0.1:{peer.port} (mx.example.test)"


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True
