"""Configuration as the mail path reads it."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.tenancy import CredentialKind, Server
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.directory import Directory
from tests.contract.conftest import World
from tests.fakes import NOW, a_credential, a_domain, a_server, a_server_id, an_organization


@pytest.fixture
async def server(world: World) -> Server:
    organization = an_organization()
    await world[Accounts].add_organization(organization)
    value = a_server(organization)
    await world[Accounts].add_server(value)
    return value


async def test_servers_are_found_by_number_and_name(world: World, server: Server) -> None:
    directory = world[Directory]
    assert await directory.server(server.id) == server
    assert await directory.server_named(server.organization_permalink, server.permalink) == server
    assert await directory.fresh_servers([server.id, a_server_id()]) == {server.id: server}
    assert await directory.fresh_servers([]) == {}
    with pytest.raises(NotFound):
        await directory.server(a_server_id())
    for names in ((server.organization_permalink, "no"), ("no", server.permalink)):
        with pytest.raises(NotFound):
            await directory.server_named(*names)


async def test_many_questions_at_once_have_one_answer(world: World, server: Server) -> None:
    found = await asyncio.gather(*(world[Directory].server(server.id) for _ in range(50)))
    assert found == [server] * 50
    missing = a_server_id()
    refused = await asyncio.gather(
        *(world[Directory].server(missing) for _ in range(5)), return_exceptions=True
    )
    assert {type(one) for one in refused} == {NotFound}


async def test_an_answer_is_at_most_thirty_seconds_old(world: World, server: Server) -> None:
    assert await world[Directory].server(server.id) == server
    changed = replace(server, name="Changed", suspended_at=NOW)
    await world[Accounts].update_server(changed)
    assert (await world[Directory].server(server.id)).name in ("Changed", server.name)
    world.clock.advance(30)
    assert await world[Directory].server(server.id) == changed


async def test_a_fresh_answer_is_remembered(world: World, server: Server) -> None:
    await world[Directory].server(server.id)
    changed = replace(server, suspended_at=NOW)
    await world[Accounts].update_server(changed)
    assert await world[Directory].fresh_servers([server.id]) == {server.id: changed}
    assert await world[Directory].server(server.id) == changed


async def test_credentials_are_found_by_digest_and_id(world: World, server: Server) -> None:
    credential = a_credential(server)
    with pytest.raises(NotFound):
        await world[Directory].credential(credential.digest)
    await world[Accounts].add_credential(credential)
    world.clock.advance(2)  # that there is no such credential is forgotten soon
    assert await world[Directory].credential(credential.digest) == credential
    assert await world[Directory].credential_by_id(server.id, credential.id) == credential
    assert await world[Directory].credential_by_id(a_server_id(), credential.id) is None
    assert await world[Directory].credential_by_id(server.id, "nothing") is None
    with pytest.raises(NotFound):
        await world[Directory].credential("")


async def test_a_removed_credential_stops_working(world: World, server: Server) -> None:
    credential = a_credential(server)
    await world[Accounts].add_credential(credential)
    await world[Directory].credential(credential.digest)
    await world[Accounts].remove_credential(credential)
    world.clock.advance(30)
    with pytest.raises(NotFound):
        await world[Directory].credential(credential.digest)
    assert await world[Directory].credential_by_id(server.id, credential.id) is None


async def test_only_smtp_credentials_with_a_sealed_key_serve_cram(
    world: World, server: Server
) -> None:
    sealed = a_credential(server, kind=CredentialKind.SMTP, sealed_key=b"sealed")
    for credential in (
        sealed,
        a_credential(server, kind=CredentialKind.SMTP),
        a_credential(server),
    ):
        await world[Accounts].add_credential(credential)
    assert await world[Directory].cram_credentials(server.id) == (sealed,)
    assert await world[Directory].cram_credentials(a_server_id()) == ()


async def test_the_longest_network_wins(world: World, server: Server) -> None:
    a, b, c = secrets.token_bytes(3)
    six = f"2001:db8:{secrets.token_hex(2)}"
    networks = {
        "wide": f"10.{a}.0.0/16",
        "narrow": f"10.{a}.{b}.0/24",
        "host": f"10.{a}.{b}.{c}",
        "mapped": f"::ffff:10.{a}.{(b + 1) % 256}.0/120",
        "six": f"{six}::/48",
        "six-narrow": f"{six}:1::/64",
    }
    for name, network in networks.items():
        await world[Accounts].add_credential(
            a_credential(server, kind=CredentialKind.SMTP_IP, digest="", network=network, name=name)
        )
    expected = {
        f"10.{a}.{b}.{c}": "host",
        f"::ffff:10.{a}.{b}.{c}": "host",
        f"10.{a}.{b}.{(c + 1) % 256}": "narrow",
        f"10.{a}.{(b + 1) % 256}.7": "mapped",
        f"10.{a}.{(b + 2) % 256}.7": "wide",
        f"{six}:1::5": "six-narrow",
        f"{six}:2::5": "six",
    }
    found = {address: await world[Directory].ip_credential(address) for address in expected}
    assert {at: one.name if one else None for at, one in found.items()} == expected
    for nobody in ("203.0.113.1", "not an address", ""):
        assert await world[Directory].ip_credential(nobody) is None


async def test_a_domain_must_be_verified_and_the_servers_own_comes_first(
    world: World, server: Server
) -> None:
    store, directory = world[Accounts], world[Directory]
    own = a_domain(server)
    await store.add_domain(own)
    await store.add_domain(a_domain(server, of_organization=True, name=own.name))
    shared = a_domain(server, of_organization=True)
    await store.add_domain(shared)
    await store.add_domain(a_domain(server, name=shared.name, verified_at=None))
    unverified = a_domain(server, verified_at=None)
    await store.add_domain(unverified)
    assert await directory.verified_domain(server, own.name) == own
    assert await directory.verified_domain(server, shared.name) == shared
    assert await directory.verified_domain(server, unverified.name) is None
    assert await directory.verified_domain(server, "nothing.test") is None
    await store.update_domain(replace(unverified, verified_at=NOW))
    world.clock.advance(2)
    assert await directory.verified_domain(server, unverified.name) is not None


async def test_the_first_domain_for_any_sender(world: World, server: Server) -> None:
    store = world[Accounts]
    assert await world[Directory].any_from_domain(server) is None
    for name, verified_at, for_any in (
        ("a.test", NOW, False),
        ("b.test", None, True),
        ("d.test", NOW, True),
        ("c.test", NOW, True),
    ):
        await store.add_domain(
            a_domain(server, name=name, verified_at=verified_at, use_for_any=for_any)
        )
    await store.add_domain(a_domain(server, of_organization=True, name="0.test", use_for_any=True))
    world.clock.advance(30)
    found = await world[Directory].any_from_domain(server)
    assert found is not None
    assert found.name == "c.test"


async def test_a_pool_without_sources_is_empty(world: World) -> None:
    assert await world[Directory].egress_sources(f"pool-{a_server_id()}") == ()


async def test_a_process_sees_its_own_changes_at_once(world: World, server: Server) -> None:
    with pytest.raises(NotFound):
        await world[Directory].server(a_server_id())
    domain = a_domain(server)
    assert await world[Directory].verified_domain(server, domain.name) is None
    await world[Accounts].add_domain(domain)
    assert await world[Directory].verified_domain(server, domain.name) == domain
    await world[Directory].server(server.id)
    await world[Accounts].update_server(replace(server, name="Changed"))
    assert (await world[Directory].server(server.id)).name == "Changed"
