"""The scripted resolver answers as the real one does when it asks a name server with the same records."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from chalicelib.adapters.network.resolver import DnsResolver
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.ports.resolver import Resolver
from tests.dns_zone import DnsZone

LONG = "v=DKIM1; k=rsa; p=" + "A" * 400
ZONE: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "example.test": {"MX": [(20, "mx2.Example.test"), (10, "mx1.example.test")], "TXT": ["a", "b"]},
    "mx1.example.test": {"A": ["198.51.100.7", "198.51.100.8"], "AAAA": ["2001:db8::7"]},
    "mx2.example.test": {"A": ["198.51.100.9"]},
    "null.test": {"MX": [(0, "")]},
    "bare.test": {"A": ["192.0.2.1"]},
    "xn--bcher-kva.test": {"MX": [(10, "mx1.example.test")]},
    "alias.test": {"CNAME": ["second.test"]},
    "second.test": {"CNAME": ["Example.test"]},
    "astray.test": {"CNAME": ["absent.test"]},
    "address.test": {"CNAME": ["mx1.example.test"]},
    "key._domainkey.deep.test": {"TXT": [LONG]},
    "zone.test": {"NS": ["NS1.example.test", "ns2.example.test"]},
    "broken.test": {"MX": [(10, "mx1.example.test")], "A": ["192.0.2.2"]},
    "192.0.2.1": {"PTR": ["Host.example.test"]},
    "192.0.2.2": {"PTR": ["two.example.test", "One.example.test"]},
    "2001:db8::7": {"PTR": ["mx1.example.test"]},
    "192.0.2.66": {"PTR": ["broken.test"]},
}
BROKEN = ("broken.test", "192.0.2.66")


@pytest.fixture(params=["scripted", "network"])
def resolver(request: pytest.FixtureRequest) -> Iterator[Resolver]:
    """One resolver after the other over ZONE, in which the names of BROKEN answer SERVFAIL."""
    if request.param == "scripted":
        scripted = ScriptedResolver(ZONE)
        for name in BROKEN:
            scripted.fail(name)
        yield scripted
        return
    with DnsZone() as zone:
        for name, records in ZONE.items():
            for kind, values in records.items():
                getattr(zone, kind.lower())(name, *values)
        for name in ("broken.test", "66.2.0.192.in-addr.arpa"):
            zone.fail(name, "SERVFAIL")
        yield DnsResolver(Settings(dns_server=zone.server), SystemClock(Settings()))


@pytest.mark.parametrize("name", ["example.test", "EXAMPLE.test", "example.test.", "alias.test"])
async def test_mail_exchangers_come_with_preferences_in_lower_case(
    resolver: Resolver, name: str
) -> None:
    assert sorted(await resolver.mx(name)) == [(10, "mx1.example.test"), (20, "mx2.example.test")]


async def test_having_no_exchanger_is_not_the_same_as_not_existing(resolver: Resolver) -> None:
    assert await resolver.mx("null.test") == ((0, ""),)
    assert await resolver.mx("bare.test") == ()
    assert await resolver.mx("_domainkey.deep.test") == ()  # nothing but a name below it
    for name in ("absent.test", "below.example.test", "astray.test"):
        with pytest.raises(NotFound) as raised:
            await resolver.mx(name)
        assert raised.value.public == f"The domain {name} does not exist."


async def test_addresses_of_both_families(resolver: Resolver) -> None:
    six, *four = await resolver.addresses("mx1.example.test")
    assert (six, sorted(four)) == ("2001:db8::7", ["198.51.100.7", "198.51.100.8"])
    assert (await resolver.addresses("address.test"))[0] == "2001:db8::7"
    assert await resolver.addresses("MX2.example.test.") == ("198.51.100.9",)
    assert await resolver.addresses("localhost") == ("::1", "127.0.0.1")
    for name in ("null.test", "absent.test", "astray.test"):
        assert await resolver.addresses(name) == ()


async def test_texts(resolver: Resolver) -> None:
    assert sorted(await resolver.txt("Example.test")) == ["a", "b"]
    assert sorted(await resolver.txt("alias.test")) == ["a", "b"]
    assert await resolver.txt("key._domainkey.deep.test") == (LONG,)
    for name in ("bare.test", "absent.test"):
        assert await resolver.txt(name) == ()


async def test_aliases_themselves(resolver: Resolver) -> None:
    assert await resolver.cname("alias.test") == "second.test"
    assert await resolver.cname("second.test") == "example.test"
    for name in ("example.test", "absent.test"):
        assert await resolver.cname(name) is None


async def test_name_servers_of_a_zone(resolver: Resolver) -> None:
    assert sorted(await resolver.ns("Zone.test")) == ["ns1.example.test", "ns2.example.test"]
    for name in ("bare.test", "_domainkey.deep.test"):
        assert await resolver.ns(name) == ()
    with pytest.raises(NotFound):
        await resolver.ns("absent.test")


async def test_names_of_addresses(resolver: Resolver) -> None:
    assert await resolver.ptr("192.0.2.1") == ("host.example.test",)
    assert set(await resolver.ptr("192.0.2.2")) == {"one.example.test", "two.example.test"}
    for same in ("2001:db8::7", "2001:DB8:0:0::7"):
        assert await resolver.ptr(same) == ("mx1.example.test",)
    for nameless in ("192.0.2.9", "192.0.2.66", "mx1.example.test", "nonsense", ""):
        assert await resolver.ptr(nameless) == ()


async def test_having_no_name_is_not_the_same_as_not_being_told(resolver: Resolver) -> None:
    assert await resolver.ptr("192.0.2.1", whole=True) == ("host.example.test",)
    for nameless in ("192.0.2.9", "2001:db8::9", "mx1.example.test", "nonsense", ""):
        assert await resolver.ptr(nameless, whole=True) == ()
    with pytest.raises(TemporaryFailure, match=r"The name servers of .* do not answer"):
        await resolver.ptr("192.0.2.66", whole=True)


async def test_unicode_names(resolver: Resolver) -> None:
    for name in ("bücher.test", "BÜCHER.test.", "xn--bcher-kva.test"):
        assert await resolver.mx(name) == ((10, "mx1.example.test"),)


@pytest.mark.parametrize("name", ["a..test", "x" * 64 + ".test", "y." * 200, "\u2028.test", ""])
async def test_what_can_be_no_name_does_not_exist(resolver: Resolver, name: str) -> None:
    with pytest.raises(NotFound):
        await resolver.mx(name)
    assert await resolver.addresses(name) == await resolver.txt(name) == ()
    assert await resolver.cname(name) is None


async def test_name_servers_that_fail_are_temporary(resolver: Resolver) -> None:
    for verb in (resolver.mx, resolver.addresses, resolver.txt, resolver.cname, resolver.ns):
        with pytest.raises(TemporaryFailure) as raised:
            await verb("broken.test")
        assert raised.value.public == "The name servers of broken.test do not answer."
        assert str(raised.value.reply) == "451 4.4.3 The name servers of broken.test do not answer"
