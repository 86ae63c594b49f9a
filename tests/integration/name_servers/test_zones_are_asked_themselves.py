"""A domain's records are read from its own name servers, which NSD plays: through delegations, aliases and TCP."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from chalicelib.adapters.network.name_servers import DnsNameServers
from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from tests.loopback import free_port
from tests.nsd import Nsd, needs_nsd, running

pytestmark = needs_nsd

LONG = ["x" * 250] * 16
TOP = """
@ NS ns.nic
ns.nic A 127.0.0.2
acme NS ns1.acme
acme NS ns.provider
ns1.acme A 127.0.0.3
provider NS ns.provider
ns.provider A 127.0.0.4
gone NS ns.gone
ns.gone A 127.0.0.9
elsewhere NS ns.other.example.
"""
ACME = f"""
@ NS ns1
@ NS ns.provider.test.
ns1 A 127.0.0.3
@ TXT "v=spf1 -all"
@ TXT "posthorn-verification Ab3"
@ MX 10 mx1
@ MX 20 mx.Provider.TEST.
mx1 A 192.0.2.1
mx1 AAAA 2001:db8::1
psrp CNAME rp.provider.test.
key._domainkey TXT {" ".join(f'"{part}"' for part in LONG)}
alias._domainkey CNAME key.dkim.provider.test.
inner CNAME outer
outer CNAME @
*.wild TXT "any"
_mail DNAME keys.provider.test.
sub NS ns.provider.test.
_dmarc.deep NS ns.sub
ns.sub A 127.0.0.4
"""
PROVIDER = """
@ NS ns
ns A 127.0.0.4
rp A 192.0.2.9
key.dkim CNAME final.dkim
final.dkim TXT "v=DKIM1; p=abc"
key.keys TXT "by dname"
back CNAME psrp.acme.test.
"""
SUB = '@ NS ns.provider.test.\n@ TXT "of the child"\nbelow TXT "deeper"\n'
DEEP = '@ NS ns.sub.acme.test.\n@ TXT "v=DMARC1; p=none"\n'


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the servers of `test`, and of zones below it, listen."""
    port, folder = free_port(), tmp_path_factory.mktemp("nsd")
    both = {"acme.test": ACME}
    servers = {
        "127.0.0.2": {"test": TOP},
        "127.0.0.3": both,
        "127.0.0.4": both
        | {"provider.test": PROVIDER, "sub.acme.test": SUB, "_dmarc.deep.acme.test": DEEP},
    }
    with contextlib.ExitStack() as stack:
        for address, zones in servers.items():
            stack.enter_context(running(Nsd(address, port, zones), folder / address))
        yield port


@pytest.fixture
def servers(port: int) -> DnsNameServers:
    """Name servers at any address; the resolver knows the top-level domain and a host elsewhere."""
    return DnsNameServers(Settings(allow_private_destinations=True), resolver(), port=port)


def resolver() -> ScriptedResolver:
    return ScriptedResolver(
        {
            "test": {"NS": ["ns.nic.test"]},
            "ns.nic.test": {"A": ["127.0.0.2"]},
            "ns.provider.test": {"A": ["127.0.0.4"]},
        }
    )


@pytest.mark.parametrize(
    ("name", "kind", "values"),
    [
        ("acme.test", "TXT", ["posthorn-verification Ab3", "v=spf1 -all"]),
        ("ACME.Test.", "MX", ["10 mx1.acme.test", "20 mx.provider.test"]),
        ("mx1.acme.test", "A", ["192.0.2.1"]),
        ("mx1.acme.test", "AAAA", ["2001:db8::1"]),
        ("acme.test", "NS", ["ns.provider.test", "ns1.acme.test"]),
        ("psrp.acme.test", "CNAME", ["rp.provider.test"]),
        ("inner.acme.test", "CNAME", ["outer.acme.test"]),
        ("some.wild.acme.test", "TXT", ["any"]),
    ],
)
async def test_what_a_zone_has(
    servers: DnsNameServers, name: str, kind: str, values: list[str]
) -> None:
    assert sorted(await servers.published(name, kind)) == values


@pytest.mark.parametrize(
    "name",
    [
        "absent.acme.test",
        "_domainkey.acme.test",  # only names below it
        "mx1.acme.test",  # of another type
        "unregistered.test",
    ],
)
async def test_what_does_not_exist_is_nothing(servers: DnsNameServers, name: str) -> None:
    assert await servers.published(name, "TXT") == ()


async def test_a_key_that_does_not_fit_a_datagram_comes_over_tcp(servers: DnsNameServers) -> None:
    assert await servers.published("key._domainkey.acme.test", "TXT") == ("".join(LONG),)


async def test_aliases_lead_into_other_zones(servers: DnsNameServers) -> None:
    found = await servers.published("alias._domainkey.acme.test", "TXT")
    assert found == ("v=DKIM1; p=abc",)
    assert await servers.published("back.provider.test", "A") == ("192.0.2.9",)
    assert len(await servers.published("inner.acme.test", "TXT")) == 2
    assert await servers.published("key._mail.acme.test", "TXT") == ("by dname",)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("sub.acme.test", "of the child"),
        ("below.sub.acme.test", "deeper"),
        ("_dmarc.deep.acme.test", "v=DMARC1; p=none"),
    ],
)
async def test_the_deepest_zone_answers(servers: DnsNameServers, name: str, text: str) -> None:
    assert await servers.published(name, "TXT") == (text,)


@pytest.mark.parametrize("name", ["gone.test", "elsewhere.test"])
async def test_a_zone_whose_servers_cannot_be_reached_is_unknown(
    servers: DnsNameServers, name: str
) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        await servers.published(name, "TXT")
    assert raised.value.public == f"The name servers of {name} do not answer."


@pytest.mark.parametrize("name", ["example.nosuchtop", "nosuchtop"])
async def test_a_resolver_that_knows_no_zone_proves_nothing(
    servers: DnsNameServers, name: str
) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        await servers.published(name, "TXT")
    assert raised.value.public == f"No name servers are known for {name}."


async def test_servers_at_private_addresses_are_not_asked(port: int) -> None:
    guarded = DnsNameServers(Settings(), resolver(), port=port)
    with pytest.raises(TemporaryFailure) as raised:
        await guarded.published("acme.test", "TXT")
    assert raised.value.public == "The name servers of test have no public address."
