"""Servers and organizations that are removed: gone for all at once, forgotten within a day, and nothing of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, NotFound, Unauthenticated
from chalicelib.domain.nouns import NOUNS as KNOWN
from chalicelib.domain.nouns import OF_ORGANIZATIONS, OF_SERVERS, OF_TENANTS
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.credentials import CREDENTIALS, CredentialKind
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.authenticate import Authenticate
from chalicelib.services.tenancy.callers import API_KEYS
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.domains import Domains
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.purge import WAIT_SECONDS, Purge
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import Servers
from tests.contract.conftest import World
from tests.contract.nouns import NOUNS
from tests.contract.test_server_purge import fill, left_of


async def a_tenant(world: World, servers: int = 1) -> tuple[Organization, list[Server]]:
    """An organization with servers, each with mail, a domain and a key."""
    organization = await world[Organizations].create("Doomed")
    made = [await world[Servers].create(organization, f"Mail {n}") for n in range(servers)]
    return organization, made


async def nouns_of(world: World, organization: Organization, server: Server) -> int:
    """How many values of the configuration there are of both."""
    repository, found = world[Repository], 0
    for entity in OF_TENANTS:
        for owner in (of_organization(organization.id), of_server(server.id)):
            found += len(await repository.all(entity, owner))
    return found


async def test_a_removed_server_is_gone_for_all_at_once(world: World) -> None:
    organization, (server, other) = await a_tenant(world, 2)
    _, key = await world[Credentials].create(server, CredentialKind.API, "k")
    assert (await world[Authenticate].by_key(key, API_KEYS)).server.id == server.id
    await world[RemoveTenants].remove_server(server)
    for program in (world, world.another()):
        with pytest.raises(Unauthenticated):
            await program[Authenticate].by_key(key, API_KEYS)
        with pytest.raises(NotFound):
            await program[Directory].server(server.id)
        with pytest.raises(NotFound):
            await program[Servers].get(organization.permalink, server.permalink)
        assert await program[Servers].of(organization) == [other]
    with pytest.raises(NotFound):
        await world[RemoveTenants].remove_server(server)


async def test_its_networks_let_others_in(world: World) -> None:
    _, (server, other) = await a_tenant(world, 2)
    number = server.id % 250
    network = f"198.51.{server.id // 250 % 250}.{number}"
    for one, length in ((server, 32), (other, 31)):
        options = CredentialOptions(network=f"{network}/{length}")
        await world[Credentials].create(one, CredentialKind.SMTP_IP, "n", options)
    found = await world[Authenticate].by_address(network)
    assert found is not None
    assert found.server.id == server.id
    await world[RemoveTenants].remove_server(server)
    found = await world[Authenticate].by_address(network)
    assert found is not None
    assert found.server.id == other.id


async def test_its_permalink_is_free_when_its_data_is_gone(world: World) -> None:
    organization, (server, other) = await a_tenant(world, 2)
    await fill(world, server.id)
    await fill(world, other.id)
    await world[Domains].add(server, "acme.test")
    await world[Credentials].create(server, CredentialKind.API, "k")
    before = await left_of(world, other.id)
    await world[RemoveTenants].remove_server(server)
    with pytest.raises(Conflict):
        await world[Servers].create(organization, "Mail 0", "mail-0")
    assert (await world[Servers].create(organization, "Mail 0")).permalink == "mail-0-2"

    world.clock.advance(WAIT_SECONDS - 1)
    await world[Purge].run()
    assert await left_of(world, server.id)
    world.clock.advance(1)
    await world[Purge].run()
    assert await left_of(world, server.id) == {}
    assert await nouns_of(world, organization, server) == 0
    assert await left_of(world, other.id) == before
    again = await world[Servers].create(organization, "Mail 0", "mail-0")
    assert again.id > server.id
    actions = [
        one.action
        for one in await world[Repository].all(AUDIT_ENTRIES, of_chain(organization.id))
        if one.object_id == server.full_name
    ]
    assert actions == ["server.create", "server.delete", "server.create"]


async def test_an_organization_goes_with_all_it_has(world: World) -> None:
    organization, servers = await a_tenant(world, 3)
    for server in servers:
        await fill(world, server.id, 1)
    _, key = await world[ManagementKeys].create(
        organization.id, "k", KeyOptions(("*",)), "somebody"
    )
    await world[RemoveTenants].remove_organization(organization)
    with pytest.raises(Unauthenticated):
        await world[Authenticate].management_key(key, "192.0.2.1")
    with pytest.raises(NotFound):
        await world[Organizations].get(organization.permalink)
    for server in servers:
        with pytest.raises(NotFound):
            await world[Directory].server(server.id)
    with pytest.raises(Conflict):
        await world[Organizations].create("Doomed", organization.permalink)

    world.clock.advance(86_400)
    await world[Purge].run()
    for server in servers:
        assert await left_of(world, server.id) == {}
        assert await nouns_of(world, organization, server) == 0
    again = await world[Organizations].create("Doomed", organization.permalink)
    assert again.id > organization.id
    left = await world[Repository].all(REMOVALS, ALL_REMOVALS)
    assert not [one for one in left if one.organization_id == organization.id]
    await world[RemoveTenants].remove_organization(again)


async def test_many_servers_and_keys_go_at_once(world: World) -> None:
    organization, servers = await a_tenant(world, 45)
    for number in range(45):
        await world[ManagementKeys].create(organization.id, f"{number}", KeyOptions(("*",)), "x")
    await world[RemoveTenants].remove_organization(organization)
    assert await world[Repository].all(SERVERS, of_organization(organization.id)) == []
    entries = await world[Repository].all(AUDIT_ENTRIES, of_chain(organization.id))
    assert sum(one.action == "server.delete" for one in entries) == len(servers)


async def test_a_key_that_is_made_while_its_organization_goes_opens_nothing(world: World) -> None:
    organization, _ = await a_tenant(world)
    await world[RemoveTenants].remove_organization(organization)
    with pytest.raises(NotFound):
        await world[ManagementKeys].create(organization.id, "late", KeyOptions(("*",)), "x")
    assert await world[ManagementKeys].of(organization.id) == []


async def test_what_is_added_while_an_organization_is_removed_goes_too(world: World) -> None:
    organization, (server,) = await a_tenant(world)
    await world[RemoveTenants].remove_organization(organization)
    late = replace(server, id=ServerId(server.id + 1_000_000), permalink="late")
    await world[Repository].add(SERVERS, late)
    await fill(world, late.id, 1)
    for _ in range(2):
        world.clock.advance(WAIT_SECONDS)
        await world[Purge].run()
    assert await left_of(world, late.id) == {}
    with pytest.raises(NotFound):
        await world[Repository].get(SERVERS, Place(of_server(late.id)))
    assert await world[Organizations].create("Doomed", organization.permalink)


async def test_a_purge_without_time_goes_on_the_next_time(world: World) -> None:
    organization, (server,) = await a_tenant(world)
    await fill(world, server.id)
    await world[Credentials].create(server, CredentialKind.API, "k")
    await world[RemoveTenants].remove_server(server)
    world.clock.advance(WAIT_SECONDS)
    assert await world[Purge].run(0) == 0
    assert await world[Repository].all(CREDENTIALS, of_server(server.id))
    assert await world[Purge].run() >= 1
    assert await nouns_of(world, organization, server) == 0


@pytest.mark.parametrize("entity", {noun.entity.word: noun.entity for noun in NOUNS}.values())
def test_what_belongs_to_a_tenant_is_declared(entity: object) -> None:
    owners = {noun.entity.place(noun.make()).owner.code for noun in NOUNS if noun.entity is entity}
    is_a_tenants = bool(owners & {"O", "V"}) and entity is not SERVERS
    assert is_a_tenants is (entity in OF_TENANTS)
    assert "O" not in owners or entity in OF_ORGANIZATIONS or entity is SERVERS
    assert "V" not in owners or entity in OF_SERVERS or entity is SERVERS
    assert entity in KNOWN
