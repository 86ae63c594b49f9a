"""Scripted name servers answer as those do that are asked over the network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest

from chalicelib.adapters.network.name_servers import DnsNameServers
from chalicelib.adapters.scripted.name_servers import ScriptedNameServers
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.name_servers import NameServers
from tests.contract.test_resolver import LONG
from tests.contract.test_resolver import ZONE as KNOWN
from tests.dns_zone import DnsZone

ZONE: Mapping[str, Mapping[str, Sequence[Any]]] = {
    **KNOWN,
    "circle.test": {"CNAME": ["round.test"]},
    "round.test": {"CNAME": ["circle.test"]},
    **{f"{number}.chain.test": {"CNAME": [f"{number + 1}.chain.test"]} for number in range(9)},
    "9.chain.test": {"TXT": ["end"]},
}


@pytest.fixture(params=["scripted", "network"])
def servers(request: pytest.FixtureRequest) -> Iterator[NameServers]:
    """Name servers over ZONE, of which `broken.test` answers SERVFAIL."""
    if request.param == "scripted":
        scripted = ScriptedResolver(ZONE)
        scripted.fail("broken.test")
        yield ScriptedNameServers(scripted)
        return
    with DnsZone() as zone:
        for name, records in ZONE.items():
            for kind, values in records.items():
                getattr(zone, kind.lower())(name, *values)
        zone.fail("broken.test", "SERVFAIL")
        yield DnsNameServers(Settings(dns_server=zone.server), ScriptedResolver(), port=1)


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("example.test", "TXT", ["a", "b"]),
        ("EXAMPLE.test.", "TXT", ["a", "b"]),
        ("alias.test", "TXT", ["a", "b"]),
        ("key._domainkey.deep.test", "TXT", [LONG]),
        ("alias.test", "MX", ["10 mx1.example.test", "20 mx2.example.test"]),
        ("bücher.test", "MX", ["10 mx1.example.test"]),
        ("null.test", "MX", ["0 ."]),
        ("alias.test", "CNAME", ["second.test"]),
        ("second.test", "CNAME", ["example.test"]),
        ("address.test", "A", ["198.51.100.7", "198.51.100.8"]),
        ("mx1.example.test", "AAAA", ["2001:db8::7"]),
        ("zone.test", "NS", ["ns1.example.test", "ns2.example.test"]),
        ("astray.test", "CNAME", ["absent.test"]),
    ],
)
async def test_what_is_published(
    servers: NameServers, name: str, kind: str, values: list[str]
) -> None:
    assert sorted(await servers.published(name, kind)) == values


@pytest.mark.parametrize("kind", ["TXT", "MX", "CNAME", "NS", "A", "AAAA"])
@pytest.mark.parametrize(
    "name",
    [
        "absent.test",
        "below.example.test",
        "_domainkey.deep.test",
        "a..test",
        "x" * 64 + ".test",
        "",
    ],
)
async def test_nothing_is_published(servers: NameServers, name: str, kind: str) -> None:
    assert await servers.published(name, kind) == ()


@pytest.mark.parametrize("name", ["astray.test", "circle.test", "0.chain.test"])
async def test_aliases_that_lead_nowhere_publish_nothing(servers: NameServers, name: str) -> None:
    assert await servers.published(name, "TXT") == ()


async def test_a_chain_of_eight_aliases_is_followed(servers: NameServers) -> None:
    assert await servers.published("1.chain.test", "TXT") == ("end",)


@pytest.mark.parametrize("kind", ["TXT", "MX", "CNAME", "A"])
async def test_name_servers_that_fail_say_nothing(servers: NameServers, kind: str) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        await servers.published("broken.test", kind)
    assert raised.value.public == "The name servers of broken.test do not answer."
