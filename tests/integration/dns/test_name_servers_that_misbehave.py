"""Name servers that fail, lie, keep silent or disagree cost a check no more than its bounds, and no wrong answer."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import cast

import dnslib
import pytest

from chalicelib.adapters.network import zone_servers
from chalicelib.adapters.network.name_servers import DnsNameServers
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from tests.dns_zone import DnsZone

Answers = Callable[[dnslib.DNSRecord], list[dnslib.DNSRecord | bytes]]
FIRST, SECOND = "127.0.0.2", "127.0.0.3"


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence is taken for silence after a moment."""
    monkeypatch.setattr(zone_servers, "TRY_SECONDS", (0.2, 0.1, 0.1))
    monkeypatch.setattr(zone_servers, "SECONDS_TO_AGREE", 0.3)


@pytest.fixture
def pair() -> Iterator[tuple[DnsZone, DnsZone]]:
    """Both name servers of `test`, with the same text."""
    with DnsZone(address=FIRST) as first, DnsZone(address=SECOND, port=first.port) as second:
        for zone in (first, second):
            zone.txt("acme.test", "hello")
        yield first, second


def asking(port: int, *, private: bool = True, top: tuple[str, ...] = ("a", "b")) -> DnsNameServers:
    """Servers of `test`, called `a` and `b`, at the two addresses."""
    known = {
        "test": {"NS": [f"{name}.nic.example" for name in top]},
        "a.nic.example": {"A": [FIRST]},
        "b.nic.example": {"A": [SECOND]},
    }
    settings = Settings(allow_private_destinations=private)
    return DnsNameServers(settings, ScriptedResolver(known), port=port)


async def unknown(servers: DnsNameServers, name: str = "acme.test", kind: str = "TXT") -> str:
    """Why nobody can say what is published."""
    with pytest.raises(TemporaryFailure) as raised:
        await servers.published(name, kind)
    assert str(raised.value.reply).startswith("451 4.4.3 ")
    return raised.value.public


@pytest.mark.parametrize("how", ["SERVFAIL", "REFUSED", "LAME", "TIMEOUT"])
async def test_a_server_that_fails_is_passed_over(pair: tuple[DnsZone, DnsZone], how: str) -> None:
    first, second = pair
    first.fail("acme.test", how)
    assert await asking(first.port).published("acme.test", "TXT") == ("hello",)
    first.heal("acme.test")
    second.fail("acme.test", how)
    assert await asking(first.port).published("acme.test", "TXT") == ("hello",)
    first.fail("acme.test", how)
    assert await unknown(asking(first.port)) == "The name servers of acme.test do not answer."


async def test_a_silent_server_is_waited_for_once_in_a_chain(pair: tuple[DnsZone, DnsZone]) -> None:
    first, _ = pair
    for zone in pair:
        zone.cname("one.test", "two.test")
        zone.cname("two.test", "acme.test")
    for name in ("one.test", "two.test", "acme.test"):
        first.fail(name, "TIMEOUT")
    assert await asking(first.port).published("one.test", "TXT") == ("hello",)
    assert [name for name, *_ in first.queries] == ["one.test"]


async def test_servers_that_disagree_are_named(pair: tuple[DnsZone, DnsZone]) -> None:
    first, second = pair
    first.txt("acme.test", "hello", "new")
    servers = asking(first.port)
    assert await unknown(servers) == (
        "The name servers of test do not agree about acme.test:"
        " a.nic.example and b.nic.example answer differently."
    )
    second.txt("acme.test", "new", "hello")  # the order does not matter
    assert await servers.published("acme.test", "TXT") == ("hello", "new")
    second.forget("acme.test")
    assert "do not agree" in await unknown(servers)
    for zone in pair:
        zone.cname("alias.test", f"{zone.address}.test")
    assert "do not agree" in await unknown(servers, "alias.test", "CNAME")


async def test_addresses_may_differ_from_server_to_server(pair: tuple[DnsZone, DnsZone]) -> None:
    for zone in pair:
        zone.a("acme.test", zone.address)
    assert await asking(pair[0].port).published("acme.test", "A") == (FIRST,)


async def test_nothing_is_kept_from_one_look_to_the_next(pair: tuple[DnsZone, DnsZone]) -> None:
    servers = asking(pair[0].port)
    for text in ("old", "new"):
        for zone in pair:
            zone.txt("acme.test", text)
        assert await servers.published("acme.test", "TXT") == (text,)


async def test_private_servers_are_refused_and_the_rest_is_asked(
    pair: tuple[DnsZone, DnsZone], monkeypatch: pytest.MonkeyPatch
) -> None:
    guarded = asking(pair[0].port, private=False)
    assert await unknown(guarded) == "The name servers of test have no public address."
    monkeypatch.setattr(zone_servers, "is_public", SECOND.__eq__)
    assert await guarded.published("acme.test", "TXT") == ("hello",)
    assert pair[0].queries == []


async def test_with_a_server_in_the_settings_nobody_else_is_asked(
    pair: tuple[DnsZone, DnsZone],
) -> None:
    first, _ = pair
    first.cname("alias.test", "acme.test")
    servers = DnsNameServers(Settings(dns_server=first.server), ScriptedResolver(), port=1)
    assert await servers.published("alias.test", "TXT") == ("hello",)
    first.txt("acme.test", "changed")
    first.fail("acme.test", "TRUNCATED")
    assert await servers.published("alias.test", "TXT") == ("changed",)
    first.fail("acme.test", "LAME")  # a resolver has no authority, and needs none
    assert await servers.published("acme.test", "TXT") == ()
    first.fail("acme.test", "SERVFAIL")
    assert await unknown(servers) == "The name servers of acme.test do not answer."


class Scripted(asyncio.DatagramProtocol):
    """A name server over UDP that sends whatever it is told to."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.heard = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.heard += 1
        for answer in self._answers(dnslib.DNSRecord.parse(data)):
            self._transport.sendto(answer if isinstance(answer, bytes) else answer.pack(), addr)


@contextlib.asynccontextmanager
async def scripted(answers: Answers) -> AsyncIterator[tuple[DnsNameServers, Scripted]]:
    """The only server of `test`."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(
        lambda: Scripted(answers), local_addr=(FIRST, 0)
    )
    try:
        yield asking(transport.get_extra_info("sockname")[1], top=("a",)), server
    finally:
        transport.close()


def reply(asked: dnslib.DNSRecord, *zone: str) -> dnslib.DNSRecord:
    """An answer, authoritative but for a referral, in the lines of a zone file."""
    found = dnslib.DNSRecord(dnslib.DNSHeader(id=asked.header.id, qr=1, aa=1), q=asked.q)
    found.add_answer(*(record for line in zone for record in dnslib.RR.fromZone(line)))
    return found


def referral(asked: dnslib.DNSRecord, *zone: str) -> dnslib.DNSRecord:
    """NS lines as authority, others as additional."""
    found = dnslib.DNSRecord(dnslib.DNSHeader(id=asked.header.id, qr=1, aa=0), q=asked.q)
    for line in zone:
        (found.add_auth if " NS " in line else found.add_ar)(*dnslib.RR.fromZone(line))
    return found


@pytest.mark.parametrize(
    "zone", ["test", "other.test", "example", "acme.test.example", "below.acme.test", "."]
)
async def test_a_referral_that_does_not_lead_to_the_name_is_no_answer(zone: str) -> None:
    lines = (f"{zone} NS ns.test", f"ns.test A {FIRST}")
    async with scripted(lambda asked: [referral(asked, *lines)]) as (servers, server):
        assert "do not answer" in await unknown(servers)
        assert server.heard == 1


async def test_an_address_beside_a_referral_counts_only_for_names_of_the_zone() -> None:
    def answers(asked: dnslib.DNSRecord) -> list[dnslib.DNSRecord | bytes]:
        server = asked.q.qname.label[0].decode()
        return [referral(asked, f"acme.test NS {server}.example", f"{server}.example A {FIRST}")]

    async with scripted(answers) as (servers, server):
        assert "do not answer" in await unknown(servers)
        assert server.heard == 1


async def test_delegations_without_end_are_left() -> None:
    def answers(asked: dnslib.DNSRecord) -> list[dnslib.DNSRecord | bytes]:
        labels = str(asked.q.qname).rstrip(".").split(".")
        zone = ".".join(labels[-1 - server.heard :])
        return [referral(asked, f"{zone} NS ns.{zone}", f"ns.{zone} A {FIRST}")]

    async with scripted(answers) as (servers, server):
        assert "do not answer" in await unknown(servers, f"{'x.' * 40}test")
        assert server.heard == zone_servers.MOST_ZONES


async def test_many_servers_in_a_referral_cost_few_questions() -> None:
    names = [f"acme.test NS ns{number}.elsewhere.example" for number in range(300)]
    async with scripted(lambda asked: [referral(asked, *names[:60])]) as (servers, _):
        resolver = servers._zones._resolver
        assert isinstance(resolver, ScriptedResolver)
        assert "do not answer" in await unknown(servers)
        assert len([kind for kind, name in resolver.asked if "elsewhere" in name]) <= 6


async def test_what_is_no_answer_to_the_question_is_waited_past() -> None:
    def answers(asked: dnslib.DNSRecord) -> list[dnslib.DNSRecord | bytes]:
        wrong = reply(asked, 'acme.test TXT "forged"')
        wrong.header.id ^= 1
        other = dnslib.DNSRecord(wrong.header, q=dnslib.DNSQuestion("evil.test", 16))
        return [b"", b"\0" * 40, wrong, other, reply(asked, 'acme.test TXT "true"')]

    async with scripted(answers) as (servers, _):
        assert await servers.published("acme.test", "TXT") == ("true",)


async def test_bytes_without_end_are_left() -> None:
    def answers(asked: dnslib.DNSRecord) -> list[dnslib.DNSRecord | bytes]:
        number = int(asked.q.qname.label[0])
        padding = [f'x{each}.test TXT "{"x" * 250}"' for each in range(150)]
        return [reply(asked, f"{asked.q.qname} CNAME {number + 1}.test.", *padding)]

    async with scripted(answers) as (servers, server):
        assert "do not answer" in await unknown(servers, "0.test")
        assert server.heard < 8


async def test_a_look_up_ends_in_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.adapters.network.name_servers.LOOK_UP_SECONDS", 0.3)
    monkeypatch.setattr(zone_servers, "TRY_SECONDS", (5.0, 2.5, 2.5))
    async with scripted(lambda _: []) as (servers, _):
        begun = time.monotonic()
        assert "do not answer" in await unknown(servers)
        assert time.monotonic() - begun < 3


async def test_a_resolver_that_fails_leaves_it_unknown() -> None:
    servers = asking(1)
    resolver = servers._zones._resolver
    assert isinstance(resolver, ScriptedResolver)
    resolver.fail("test")
    assert "do not answer" in await unknown(servers)
