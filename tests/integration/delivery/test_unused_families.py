"""A source whose IPv4 or IPv6 address has no reverse name sends by the other one, over real sockets of both."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource
from tests.integration.delivery.conftest import Stack
from tests.peers import SmtpPeer

NAMELESS6 = EgressSource("out", unused6="2001:db8::7 has no reverse name.")
NAMELESS4 = EgressSource("out", unused4="192.0.2.7 has no reverse name.")


@asynccontextmanager
async def both(stack: Stack) -> AsyncIterator[SmtpPeer]:
    """The host of example.test at ::1 too; the peer there."""
    async with SmtpPeer(host="::1", port=stack.settings.delivery_port) as six:
        stack.zone.aaaa("mx.example.test", "::1")
        yield six


@pytest.mark.parametrize(
    ("source", "client"),
    [
        (EgressSource("out"), "::1"),
        (NAMELESS6, "127.0.0.1"),
        (NAMELESS4, "::1"),
        (replace(NAMELESS6, address="127.0.0.2", address6="::1"), "127.0.0.2"),
        (replace(NAMELESS4, address="127.0.0.2", address6="::1"), "::1"),
    ],
)
async def test_a_receiver_that_has_both_gets_its_mail_by_the_other(
    stack: Stack, peer: SmtpPeer, source: EgressSource, client: str
) -> None:
    async with both(stack) as six:
        stack.pools.sources = (source,)
        attempted = await stack.send()
        assert attempted.verdict is Verdict.SENT
        (mail,) = [*peer.mails, *six.mails]
        assert mail.client[0] == client
        assert len(peer.connections) + len(six.connections) == 1


async def test_a_receiver_that_has_the_unused_one_alone_waits_and_is_told_why(
    stack: Stack, peer: SmtpPeer
) -> None:
    async with both(stack) as six:
        stack.zone.mx("six.test", (10, "mx.six.test"))
        stack.zone.aaaa("mx.six.test", "::1")
        stack.pools.sources = (NAMELESS6,)
        attempted = await stack.send("bob@six.test")
        assert attempted.verdict is Verdict.SOFT
        assert attempted.details == (
            "No egress source of pool default is available. Source out does not send by IPv6 to"
            " mx.six.test: 2001:db8::7 has no reverse name."
        )
        assert attempted.about_us, "it says nothing of the recipient"
        assert not (six.connections or peer.connections)
        # As soon as the name is there, nothing of this is left.
        stack.pools.sources = (EgressSource("out"),)
        assert (await stack.send("bob@six.test")).verdict is Verdict.SENT
        assert len(six.mails) == 1


async def test_a_literal_address_is_no_way_around(stack: Stack) -> None:
    stack.pools.sources = (NAMELESS6,)
    attempted = await stack.send("bob@[IPv6:::1]")
    assert attempted.verdict is Verdict.SOFT
    assert "does not send by IPv6" in attempted.details


async def test_another_source_of_the_pool_takes_what_the_first_cannot(
    stack: Stack, peer: SmtpPeer
) -> None:
    async with both(stack) as six:
        stack.zone.mx("six.test", (10, "mx.six.test"))
        stack.zone.aaaa("mx.six.test", "::1")
        named = EgressSource("named", address6="::1", ehlo="named.test", priority=1)
        stack.pools.sources = (replace(NAMELESS6, priority=100_000), named)
        assert (await stack.send("bob@six.test")).verdict is Verdict.SENT
        assert six.mails[0].helo == "named.test"
        # It is not left alone for that.
        assert (await stack.send()).verdict is Verdict.SENT
        assert peer.mails[0].helo == "mail.posthorn.test"


async def test_another_source_is_tried_where_nobody_answers_by_the_one_that_is_used(
    stack: Stack, peer: SmtpPeer
) -> None:
    stack.zone.aaaa("mx.example.test", "::1")  # and nobody listens there, as with many hosts
    named = EgressSource("named", address="127.0.0.1", ehlo="named.test", priority=1)
    stack.pools.sources = (replace(NAMELESS4, priority=100_000), named)
    assert (await stack.send()).verdict is Verdict.SENT
    assert peer.mails[0].helo == "named.test"
    # One that goes to nothing more is not asked to try again, and what was heard is told.
    tried = len(peer.connections)
    stack.pools.sources = (NAMELESS4, replace(NAMELESS4, name="another"))
    attempted = await stack.send()
    assert attempted.verdict is Verdict.SOFT
    assert attempted.details == (
        "No SMTP servers were available for example.test. Tried mx.example.test."
    )
    assert "refused" in (attempted.output or "")
    assert len(peer.connections) == tried


@pytest.mark.parametrize("bound", ["127.0.0.1", "::1"])
async def test_another_source_takes_what_an_address_cannot_reach(
    stack: Stack, peer: SmtpPeer, bound: str
) -> None:
    async with both(stack) as six:
        four = EgressSource("four", address="127.0.0.1", ehlo="four.test")
        of_six = EgressSource("six", address6="::1", ehlo="six.test")
        first, named = (of_six, four) if bound == "::1" else (four, of_six)
        stack.zone.mx(named.ehlo, (10, f"mx.{named.ehlo}"))
        if named is four:
            stack.zone.a("mx.four.test", "127.0.0.1")
        else:
            stack.zone.aaaa("mx.six.test", "::1")
        stack.pools.sources = (replace(first, priority=100_000), replace(named, priority=1))
        assert (await stack.send(f"bob@{named.ehlo}")).verdict is Verdict.SENT
        (mail,) = [*peer.mails, *six.mails]
        assert mail.helo == named.ehlo


async def test_the_setting_has_both_used_at_once(stack: Stack) -> None:
    async with both(stack) as six:
        stack.settings = replace(stack.settings, reverse_names="ignore")
        stack.pools.sources = (NAMELESS6,)
        assert (await stack.send()).verdict is Verdict.SENT
        assert len(six.mails) == 1


async def test_a_private_address_beside_it_does_not_make_it_final(stack: Stack) -> None:
    stack.settings = replace(stack.settings, allow_private_delivery=False)
    stack.zone.mx("mixed.test", (10, "mx.mixed.test"))
    stack.zone.a("mx.mixed.test", "10.0.0.1")
    stack.zone.aaaa("mx.mixed.test", "2a00:1450:4001::1")
    stack.pools.sources = (NAMELESS6,)
    for tries in (0, 10):
        attempted = await stack.send("bob@mixed.test", tries=tries)
        assert attempted.verdict is Verdict.SOFT, attempted
        assert "does not send by IPv6" in attempted.details


async def test_a_smarthost_is_reached_by_either(stack: Stack) -> None:
    async with both(stack) as six:
        relay = EgressSource(
            "relay", kind=EgressKind.SMARTHOST, host="::1", port=six.port, tls="none"
        )
        stack.pools.sources = (replace(relay, unused6="It was another kind of source."),)
        assert (await stack.send()).verdict is Verdict.SENT
