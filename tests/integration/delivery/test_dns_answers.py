"""The resolver against a real name server: answers, absences, failures, and the cache in front."""

from __future__ import annotations

import asyncio
import socket
import threading
from pathlib import Path

import pytest
from dnslib import MX, QTYPE, RR, DNSHeader, DNSQuestion, DNSRecord

from chalicelib.adapters.network.dns_client import DnsClient, system_servers
from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.config import Settings
from chalicelib.domain.dns.message import question_of
from chalicelib.domain.errors import NotFound, TemporaryFailure
from tests.dns_zone import DnsZone


class HandClock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def resolver(zone: DnsZone, clock: HandClock) -> DnsResolver:
    return DnsResolver(Settings(dns_server=zone.server), clock)


async def test_mx_hosts_are_lower_case_without_dot(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.mx("example.test", (10, "MX1.Example.test"), (20, "mx2.example.test"))
    assert sorted(await resolver.mx("Example.TEST.")) == [
        (10, "mx1.example.test"),
        (20, "mx2.example.test"),
    ]


async def test_null_mx_no_mx_and_no_domain_differ(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.mx("null.test", (0, ""))
    zone.a("bare.test", "192.0.2.1")
    assert await resolver.mx("null.test") == ((0, ""),)
    assert await resolver.mx("bare.test") == ()
    for _ in range(2):  # the second from the cache
        with pytest.raises(NotFound):
            await resolver.mx("absent.test")
    assert zone.asked("absent.test", "MX") == 1


async def test_ipv6_comes_before_ipv4(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.a("both.test", "192.0.2.1", "192.0.2.2")
    zone.aaaa("both.test", "2001:db8::1")
    found = await resolver.addresses("both.test")
    assert found[0] == "2001:db8::1"
    assert set(found[1:]) == {"192.0.2.1", "192.0.2.2"}
    assert await resolver.addresses("both.test") == found
    assert await resolver.addresses("absent.test") == ()
    assert await resolver.addresses("localhost") == ("::1", "127.0.0.1")
    assert len(zone.queries) == 4


async def test_one_family_may_fail(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.a("half.test", "192.0.2.1")
    zone.fail("half.test", "SERVFAIL", "AAAA")
    assert await resolver.addresses("half.test") == ("192.0.2.1",)
    with pytest.raises(TemporaryFailure):
        await resolver.addresses("half.test", whole=True)
    zone.a("none.test")
    zone.fail("none.test", "SERVFAIL", "AAAA")
    with pytest.raises(TemporaryFailure):
        await resolver.addresses("none.test")


async def test_texts_aliases_and_names(zone: DnsZone, resolver: DnsResolver) -> None:
    long = "v=DKIM1; p=" + "A" * 600
    zone.txt("key.test", long)
    zone.cname("alias.test", "Key.test")
    zone.ptr("192.0.2.1", "host.test")
    zone.ptr("2001:db8::1", "six.test")
    assert await resolver.txt("key.test") == (long,)
    assert await resolver.txt("alias.test") == (long,)
    assert await resolver.txt("absent.test") == ()
    assert await resolver.cname("alias.test") == "key.test"
    assert await resolver.cname("key.test") is None
    assert await resolver.ptr("192.0.2.1") == ("host.test",)
    assert await resolver.ptr("2001:db8::1") == ("six.test",)
    for other in ("192.0.2.9", "nonsense", ""):
        assert await resolver.ptr(other) == ()


async def test_internationalised_names_become_a_labels(
    zone: DnsZone, resolver: DnsResolver
) -> None:
    zone.mx("xn--bcher-kva.test", (10, "mx.test"))
    assert await resolver.mx("Bücher.test") == ((10, "mx.test"),)


@pytest.mark.parametrize(
    "name", ["a..test", "x" * 64 + ".test", "y." * 200 + "test", "\u2028.test", ""]
)
async def test_what_can_be_no_name_does_not_exist(
    zone: DnsZone, resolver: DnsResolver, name: str
) -> None:
    with pytest.raises(NotFound):
        await resolver.mx(name)
    assert await resolver.addresses(name) == ()


@pytest.mark.parametrize("how", ["SERVFAIL", "REFUSED", "TIMEOUT"])
async def test_failures_are_temporary_and_soon_forgotten(
    zone: DnsZone, clock: HandClock, how: str
) -> None:
    seconds = 0.2 if how == "TIMEOUT" else 3.0
    resolver = DnsResolver(Settings(dns_server=zone.server), clock, try_seconds=seconds)
    zone.mx("broken.test", (10, "mx.test"))
    zone.fail("broken.test", how)
    for _ in range(2):
        with pytest.raises(TemporaryFailure) as raised:
            await resolver.mx("broken.test")
        assert str(raised.value.reply) == "451 4.4.3 The name servers of broken.test do not answer"
    asked = zone.asked("broken.test", "MX")
    zone.heal("broken.test")
    clock.time += 5.1
    assert await resolver.mx("broken.test") == ((10, "mx.test"),)
    assert zone.asked("broken.test", "MX") == asked + 1
    assert await resolver.ptr("192.0.2.1") == ()


async def test_a_truncated_answer_is_asked_for_again_over_tcp(
    zone: DnsZone, resolver: DnsResolver
) -> None:
    zone.mx("long.test", *((number, f"mx{number}.long.test") for number in range(100)))
    zone.fail("long.test", "TRUNCATED")
    assert len(await resolver.mx("long.test")) == 100
    assert [transport for *_, transport in zone.queries] == ["udp", "tcp"]


@pytest.mark.parametrize(
    ("ttl", "kept_until", "gone_at"), [(60, 59, 61), (0, 4, 6), (86_400, 3_599, 3_601)]
)
async def test_answers_are_kept_for_their_time_within_bounds(
    zone: DnsZone,
    resolver: DnsResolver,
    clock: HandClock,
    ttl: int,
    kept_until: float,
    gone_at: float,
) -> None:
    zone.mx("kept.test", (10, "old.test"), ttl=ttl)
    await resolver.mx("kept.test")
    zone.mx("kept.test", (10, "new.test"), ttl=ttl)
    clock.time = kept_until
    assert await resolver.mx("kept.test") == ((10, "old.test"),)
    clock.time = gone_at
    assert await resolver.mx("kept.test") == ((10, "new.test"),)


async def test_absences_are_kept_for_the_negative_time(clock: HandClock) -> None:
    with DnsZone(negative_ttl=30) as zone:
        resolver = DnsResolver(Settings(dns_server=zone.server), clock)
        zone.a("bare.test", "192.0.2.1")
        assert await resolver.mx("bare.test") == ()
        with pytest.raises(NotFound):
            await resolver.mx("absent.test")
        zone.mx("bare.test", (10, "mx.test"))
        zone.mx("absent.test", (10, "mx.test"))
        clock.time = 28
        assert await resolver.mx("bare.test") == ()
        with pytest.raises(NotFound):
            await resolver.mx("absent.test")
        clock.time = 31
        assert (
            await resolver.mx("bare.test") == await resolver.mx("absent.test") == ((10, "mx.test"),)
        )


async def test_equal_questions_share_one_answer(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.mx("busy.test", (10, "mx.test"))
    answers = await asyncio.gather(*(resolver.mx("busy.test") for _ in range(50)))
    assert set(answers) == {((10, "mx.test"),)}
    assert zone.asked("busy.test", "MX") == 1


async def test_an_impatient_caller_takes_nothing_from_the_others(
    zone: DnsZone, resolver: DnsResolver
) -> None:
    zone.mx("busy.test", (10, "mx.test"))
    impatient = asyncio.create_task(resolver.mx("busy.test"))
    patient = asyncio.create_task(resolver.mx("busy.test"))
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == ((10, "mx.test"),)


async def test_the_cache_is_bounded(
    zone: DnsZone, resolver: DnsResolver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.adapters.network.resolver.MOST_ENTRIES", 20)
    for number in range(60):
        zone.mx(f"d{number}.test", (10, "mx.test"))
        await resolver.mx(f"d{number}.test")
    assert len(resolver._cache) <= 20
    await resolver.mx("d59.test")
    assert zone.asked("d59.test", "MX") == 1


def test_the_resolver_works_from_another_event_loop(zone: DnsZone, resolver: DnsResolver) -> None:
    zone.mx("loop.test", (10, "mx.test"))
    found: list[object] = []

    def ask() -> None:
        found.append(asyncio.run(resolver.mx("loop.test")))

    for _ in range(2):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join(5)
    assert found == [((10, "mx.test"),)] * 2


async def test_forged_answers_are_ignored(clock: HandClock) -> None:
    """A server that sends answers to other questions first, and then the right one."""
    loop = asyncio.get_running_loop()

    class Forger(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked = DNSRecord.parse(data)
            for number, name, host in (
                (asked.header.id ^ 1, "real.test", "evil.test"),
                (asked.header.id, "other.test", "evil.test"),
                (asked.header.id, "real.test", "mx.test"),
                (asked.header.id, "real.test", "late.test"),
            ):
                reply = DNSRecord(DNSHeader(id=number, qr=1), q=DNSQuestion(name, QTYPE.MX))
                reply.add_answer(RR(name, QTYPE.MX, ttl=60, rdata=MX(host, 1)))
                self.transport.sendto(reply.pack(), addr)  # type: ignore[attr-defined]

    transport, _ = await loop.create_datagram_endpoint(Forger, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = DnsResolver(Settings(dns_server=f"127.0.0.1:{port}"), clock, try_seconds=0.5)
    assert await resolver.mx("real.test") == ((1, "mx.test"),)
    transport.close()


async def test_a_server_older_than_edns_is_asked_plainly(clock: HandClock) -> None:
    class Old(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked = DNSRecord.parse(data)
            reply = DNSRecord(DNSHeader(id=asked.header.id, qr=1), q=asked.q)
            if asked.ar:
                reply.header.rcode = 1
            else:
                reply.add_answer(RR("old.test", QTYPE.MX, ttl=60, rdata=MX("mx.test", 1)))
            self.transport.sendto(reply.pack(), addr)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Old, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    resolver = DnsResolver(Settings(dns_server=f"127.0.0.1:{port}"), clock, try_seconds=0.5)
    assert await resolver.mx("old.test") == ((1, "mx.test"),)
    transport.close()


async def test_a_dead_name_server_is_passed_over(zone: DnsZone) -> None:
    zone.mx("example.test", (10, "mx.test"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        dead = closed.getsockname()
    client = DnsClient([dead, ("127.0.0.1", zone.port)], seconds=1.0, tries=1)
    answer = await client.ask(question_of("example.test", "MX"))
    assert answer.values == ((10, "mx.test"),)


async def test_many_questions_at_once_use_several_sockets(
    zone: DnsZone, resolver: DnsResolver
) -> None:
    names = [f"n{number}.test" for number in range(250)]
    for name in names:
        zone.mx(name, (1, f"mx.{name}"))
    answers = await asyncio.gather(*(resolver.mx(name) for name in names))
    assert answers == [((1, f"mx.{name}"),) for name in names]


def test_the_system_says_whom_to_ask(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf"
    assert system_servers(file) == [("127.0.0.1", 53)]
    file.write_text(
        "# comment\nsearch example.test\nnameserver 192.0.2.53\nnameserver bad\nnameserver\n"
        "nameserver 2001:db8::53\nnameserver 192.0.2.54\nnameserver 192.0.2.55\n"
    )
    assert system_servers(file) == [("192.0.2.53", 53), ("2001:db8::53", 53), ("192.0.2.54", 53)]
