"""Scripted name servers answer as those do that are asked over the network."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.network.name_servers import DnsNameServers
from chalicelib.adapters.scripted.name_servers import ScriptedNameServers
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.name_servers import NameServers
from tests.contract.test_resolver import LONG, ZONE
from tests.dns_zone import DnsZone


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
        yield DnsNameServers(Settings(dns_server=zone.server))


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
    ],
)
async def test_what_is_published(
    servers: NameServers, name: str, kind: str, values: list[str]
) -> None:
    assert sorted(await servers.published(name, kind)) == values


@pytest.mark.parametrize("kind", ["TXT", "MX", "CNAME", "A", "AAAA"])
@pytest.mark.parametrize(
    "name", ["absent.test", "_domainkey.deep.test", "a..test", "x" * 64 + ".test", ""]
)
async def test_nothing_is_published(servers: NameServers, name: str, kind: str) -> None:
    assert await servers.published(name, kind) == ()


@pytest.mark.parametrize("kind", ["TXT", "MX", "CNAME", "A"])
async def test_name_servers_that_fail_say_nothing(servers: NameServers, kind: str) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        await servers.published("broken.test", kind)
    assert raised.value.public == "The name servers of broken.test do not answer."
