"""Configuration as the mail path reads it: its questions, and how old the answers may be."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

import pytest

from chalicelib.adapters.scripted.time import SeededRand
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.tenancy.credentials import CREDENTIALS, CredentialKind
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.installation import INSTALLATION, Installation
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.routes import RETURN_PATH, ROUTES
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers
from tests.contract.conftest import World
from tests.contract.nouns import KEY, a_route, a_source, a_track_domain, an_endpoint
from tests.fakes import NOW, a_credential, a_domain, a_server, a_server_id, an_organization


@pytest.fixture
async def server(world: World) -> Server:
    organization = an_organization()
    await world[Repository].add(ORGANIZATIONS, organization)
    value = a_server(organization)
    await world[Repository].add(SERVERS, value)
    return value


async def test_servers_are_found_by_number_and_name(world: World, server: Server) -> None:
    directory, clients = world[Directory], world[ClientDirectory]
    assert await directory.server(server.id) == server
    assert await clients.server_named(server.organization_permalink, server.permalink) == server
    assert await directory.fresh_servers([server.id, a_server_id()]) == {server.id: server}
    assert await directory.fresh_servers([]) == {}
    with pytest.raises(NotFound):
        await directory.server(a_server_id())
    for names in ((server.organization_permalink, "no"), ("no", server.permalink)):
        with pytest.raises(NotFound):
            await clients.server_named(*names)


async def test_routes_are_found_by_domain_token_and_return_path(
    world: World, server: Server
) -> None:
    directory, repository = world[Directory], world[Repository]
    route, back = a_route(server), a_route(server, RETURN_PATH, domain="")
    other = a_route(server, "*", domain=route.domain)
    endpoint = an_endpoint(server)
    await repository.add(ENDPOINTS, endpoint)
    assert list(await directory.routes_of(route.domain)) == []
    for one in (route, back, other):
        await repository.add(ROUTES, one)
    found = await directory.routes_of(route.domain)
    assert {one.id for one in found} == {route.id, other.id}
    assert await directory.route_by_token(route.token) == route
    assert await directory.route_by_token("no") is None
    assert await directory.return_path_route(server.id) == back
    assert await directory.return_path_route(a_server_id()) is None
    assert await directory.route(server.id, route.id) == route
    assert await directory.route(server.id, "no") is None
    assert await directory.endpoint(server.id, endpoint.id) == endpoint
    assert await directory.endpoint(server.id, "no") is None


async def test_a_server_is_found_by_the_token_of_its_return_path(
    world: World, server: Server
) -> None:
    assert await world[Directory].server_by_token(server.token) == server
    assert await world[Directory].server_by_token("no-such") is None


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
    await world[Repository].replace(SERVERS, changed)
    assert (await world[Directory].server(server.id)).name in ("Changed", server.name)
    world.clock.advance(30)
    assert await world[Directory].server(server.id) == changed


async def test_a_fresh_answer_is_remembered(world: World, server: Server) -> None:
    await world[Directory].server(server.id)
    changed = replace(server, suspended_at=NOW)
    await world[Repository].replace(SERVERS, changed)
    assert await world[Directory].fresh_servers([server.id]) == {server.id: changed}
    assert await world[Directory].server(server.id) == changed


async def test_credentials_are_found_by_digest_and_id(world: World, server: Server) -> None:
    credential = a_credential(server)
    with pytest.raises(NotFound):
        await world[ClientDirectory].credential(credential.digest)
    await world[Repository].add(CREDENTIALS, credential)
    world.clock.advance(2)  # that there is no such credential is forgotten soon
    assert await world[ClientDirectory].credential(credential.digest) == credential
    assert await world[ClientDirectory].credential_by_id(server.id, credential.id) == credential
    assert await world[ClientDirectory].credential_by_id(a_server_id(), credential.id) is None
    assert await world[ClientDirectory].credential_by_id(server.id, "nothing") is None
    with pytest.raises(NotFound):
        await world[ClientDirectory].credential("")


async def test_a_removed_credential_stops_working(world: World, server: Server) -> None:
    credential = a_credential(server)
    await world[Repository].add(CREDENTIALS, credential)
    await world[ClientDirectory].credential(credential.digest)
    await world[Repository].remove(CREDENTIALS, credential)
    world.clock.advance(30)
    with pytest.raises(NotFound):
        await world[ClientDirectory].credential(credential.digest)
    assert await world[ClientDirectory].credential_by_id(server.id, credential.id) is None


async def test_only_smtp_credentials_with_a_sealed_key_serve_cram(
    world: World, server: Server
) -> None:
    sealed = a_credential(server, kind=CredentialKind.SMTP, sealed_key=b"sealed")
    for credential in (
        sealed,
        a_credential(server, kind=CredentialKind.SMTP),
        a_credential(server),
    ):
        await world[Repository].add(CREDENTIALS, credential)
    assert await world[ClientDirectory].cram_credentials(server.id) == (sealed,)
    assert await world[ClientDirectory].cram_credentials(a_server_id()) == ()


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
        await world[Repository].add(
            CREDENTIALS,
            a_credential(
                server, kind=CredentialKind.SMTP_IP, digest="", network=network, name=name
            ),
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
    found = {address: await world[ClientDirectory].ip_credential(address) for address in expected}
    assert {at: one.name if one else None for at, one in found.items()} == expected
    for nobody in ("203.0.113.1", "not an address", ""):
        assert await world[ClientDirectory].ip_credential(nobody) is None


async def test_a_domain_must_be_verified_and_the_servers_own_comes_first(
    world: World, server: Server
) -> None:
    store, directory = world[Repository], world[Directory]
    own = a_domain(server)
    await store.add(DOMAINS, own)
    await store.add(DOMAINS, a_domain(server, of_organization=True, name=own.name))
    shared = a_domain(server, of_organization=True)
    await store.add(DOMAINS, shared)
    await store.add(DOMAINS, a_domain(server, name=shared.name, verified_at=None))
    unverified = a_domain(server, verified_at=None)
    await store.add(DOMAINS, unverified)
    assert await directory.verified_domain(server, own.name) == own
    assert await directory.verified_domain(server, shared.name) == shared
    assert await directory.verified_domain(server, unverified.name) is None
    assert await directory.verified_domain(server, "nothing.test") is None
    await store.replace(DOMAINS, replace(unverified, verified_at=NOW))
    world.clock.advance(2)
    assert await directory.verified_domain(server, unverified.name) is not None


async def test_the_first_domain_for_any_sender(world: World, server: Server) -> None:
    store = world[Repository]
    assert await world[Directory].any_from_domain(server) is None
    for name, verified_at, for_any in (
        ("a.test", NOW, False),
        ("b.test", None, True),
        ("d.test", NOW, True),
        ("c.test", NOW, True),
    ):
        await store.add(
            DOMAINS, a_domain(server, name=name, verified_at=verified_at, use_for_any=for_any)
        )
    await store.add(
        DOMAINS, a_domain(server, of_organization=True, name="0.test", use_for_any=True)
    )
    world.clock.advance(30)
    found = await world[Directory].any_from_domain(server)
    assert found is not None
    assert found.name == "c.test"


async def test_a_track_domain_is_found_by_server_and_sending_domain(world: World) -> None:
    track = a_track_domain(world.server)
    assert await world[Directory].track_domain(world.server, "acme.test") is None
    await world[Repository].add(TRACK_DOMAINS, track)
    assert await world[Directory].track_domain(world.server, "acme.test") == track
    assert await world[Directory].track_domain(a_server_id(), "acme.test") is None
    assert await world[Directory].track_domain(world.server, "other.test") is None
    changed = replace(track, track_loads=False)
    await world.another()[Repository].replace(TRACK_DOMAINS, changed)
    world.clock.advance(30)
    assert await world[Directory].track_domain(world.server, "acme.test") == changed


async def test_the_ways_out_of_a_pool_are_by_name(world: World) -> None:
    pool = f"pool-{a_server_id()}"
    for name in ("two", "one"):
        await world[Repository].add(SOURCES, a_source(pool, name))
    assert [one.name for one in await world[Directory].egress_sources(pool)] == ["one", "two"]


async def test_a_changed_credential_is_found_by_its_key(world: World, server: Server) -> None:
    credential = a_credential(server)
    await world[Repository].add(CREDENTIALS, credential)
    used = replace(credential, last_used_at=NOW, name="Renamed")
    await world[Repository].replace(CREDENTIALS, used)
    assert await world[ClientDirectory].credential(credential.digest) == used


async def test_the_installation_is_the_one_that_came_first(world: World) -> None:
    first = Installation(KEY, b"\x00sealed")
    if await world[Repository].get_many(INSTALLATION, [INSTALLATION.place(first)]):
        await world[Repository].remove(INSTALLATION, first)
    with pytest.raises(NotFound, match="There is no such installation"):
        await world[Directory].installation()
    await world[Repository].add(INSTALLATION, first)
    with pytest.raises(Conflict):
        await world[Repository].add(INSTALLATION, replace(first, sealed_mac_key=b"x"))
    assert await world[Directory].installation() == first


async def test_a_suspended_organization_suspends_its_servers(world: World) -> None:
    lines = world[LimitLines]
    organizations = Organizations(world[Repository], world.clock, SeededRand(), lines)
    servers = Servers(world[Repository], world[WorkQueue], world.clock, SeededRand(), lines)
    owner = an_organization()
    await world[Repository].add(ORGANIZATIONS, owner)
    server = a_server(owner)
    await world[Repository].add(SERVERS, server)
    suspended = await organizations.suspend(owner.permalink, "spam")
    later = await servers.create(suspended, "Later")
    await servers.update(server, replace(ServerOptions.of(server), privacy_mode=True))
    fresh = await world[Directory].fresh_servers([server.id, later.id, a_server_id()])
    assert {one: value.is_suspended for one, value in fresh.items()} == {
        server.id: True,
        later.id: True,
    }
    assert fresh[server.id].privacy_mode
    await organizations.unsuspend(owner.permalink)
    fresh = await world[Directory].fresh_servers([server.id, later.id])
    assert [value.is_suspended for value in fresh.values()] == [False, False]


async def test_a_pool_without_sources_is_empty(world: World) -> None:
    assert await world[Directory].egress_sources(f"pool-{a_server_id()}") == ()


async def test_a_process_sees_its_own_changes_at_once(world: World, server: Server) -> None:
    with pytest.raises(NotFound):
        await world[Directory].server(a_server_id())
    domain = a_domain(server)
    assert await world[Directory].verified_domain(server, domain.name) is None
    await world[Repository].add(DOMAINS, domain)
    assert await world[Directory].verified_domain(server, domain.name) == domain
    await world[Directory].server(server.id)
    await world[Repository].replace(SERVERS, replace(server, name="Changed"))
    assert (await world[Directory].server(server.id)).name == "Changed"
