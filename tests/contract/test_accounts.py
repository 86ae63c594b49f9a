"""Configuration as people change it: fresh, unique by name, and gone when removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.tenancy import (
    BareNewlines,
    CredentialKind,
    DkimKey,
    EgressKind,
    EgressSource,
    Installation,
    Organization,
    Server,
    ServerMode,
    UnknownOutcome,
)
from chalicelib.ports.accounts import Accounts
from chalicelib.ports.directory import Directory
from tests.contract.conftest import World
from tests.fakes import NOW, a_credential, a_domain, a_server, a_server_id, an_organization

KEY = DkimKey("posthorn.test", "posthorn", "ed25519-sha256", b"\x01\x00\xffsealed", "MCowBQ")


@pytest.fixture
async def organization(world: World) -> Organization:
    value = an_organization()
    await world[Accounts].add_organization(value)
    return value


@pytest.fixture
async def server(world: World, organization: Organization) -> Server:
    value = a_server(organization)
    await world[Accounts].add_server(value)
    return value


async def test_an_installation_is_set_up_once(world: World) -> None:
    installation = Installation(KEY, b"\x00sealed")
    first = await world[Accounts].install(installation)
    assert await world[Accounts].install(replace(installation, sealed_mac_key=b"x")) is False
    stored = await world[Directory].installation()
    assert stored == installation
    assert first in (True, False)  # the stores may be shared by several tests


async def test_numbers_of_a_kind_are_given_once(world: World) -> None:
    kind = f"kind-{a_server_id()}"
    numbers = await asyncio.gather(*(world[Accounts].next_number(kind) for _ in range(15)))
    assert sorted(numbers) == list(range(1, 16))


async def test_an_organization_has_one_name(world: World, organization: Organization) -> None:
    store = world[Accounts]
    with pytest.raises(Conflict):
        await store.add_organization(an_organization(permalink=organization.permalink))
    assert await store.organization(organization.permalink) == organization
    assert organization in await store.organizations()
    renamed = replace(organization, name="Acme Ltd", suspended_at=NOW, suspension_reason="spam")
    await store.update_organization(renamed)
    assert await store.organization(organization.permalink) == renamed


async def test_what_is_not_there_is_not_found(world: World, server: Server) -> None:
    store = world[Accounts]
    organization = an_organization()
    with pytest.raises(NotFound):
        await store.organization(organization.permalink)
    with pytest.raises(NotFound):
        await store.update_organization(organization)
    with pytest.raises(NotFound):
        await store.server(organization.permalink, "app")
    with pytest.raises(NotFound):
        await store.server(server.organization_permalink, "nothing")
    for change in (store.update_server,):
        with pytest.raises(NotFound):
            await change(a_server(organization))
    for domain_verb in (store.update_domain, store.remove_domain):
        with pytest.raises(NotFound):
            await domain_verb(a_domain(server))
    for credential_verb in (store.update_credential, store.remove_credential):
        with pytest.raises(NotFound):
            await credential_verb(a_credential(server))
    with pytest.raises(NotFound):
        await store.remove_egress_source(EgressSource("nothing"))


async def test_a_server_has_one_name_in_its_organization(world: World, server: Server) -> None:
    store = world[Accounts]
    owner = await store.organization(server.organization_permalink)
    with pytest.raises(Conflict):
        await store.add_server(a_server(owner, permalink=server.permalink))
    with pytest.raises(Conflict):
        await store.add_server(a_server(owner, id=server.id))
    other = an_organization()
    await store.add_organization(other)
    await store.add_server(a_server(other, permalink=server.permalink))
    assert await store.server(owner.permalink, server.permalink) == server


async def test_every_field_of_a_server_is_kept(world: World, server: Server) -> None:
    changed = replace(
        server,
        name="Größer",
        mode=ServerMode.DEVELOPMENT,
        pool="bulk",
        send_limit=100,
        allow_sender=True,
        privacy_mode=True,
        retry_schedule="60,300",
        unknown_outcome=UnknownOutcome.HOLD,
        suspended_at=NOW,
        suspension_reason="asked",
    )
    await world[Accounts].update_server(changed)
    found = await world[Accounts].server(server.organization_permalink, server.permalink)
    assert found == changed
    assert await world[Accounts].servers(server.organization_id) == [changed]


async def test_servers_are_listed_by_permalink(world: World, organization: Organization) -> None:
    for permalink in ("b", "c", "a"):
        await world[Accounts].add_server(a_server(organization, permalink=permalink))
    found = await world[Accounts].servers(organization.id)
    assert [server.permalink for server in found] == ["a", "b", "c"]


async def test_a_suspended_organization_suspends_its_servers(world: World, server: Server) -> None:
    store = world[Accounts]
    owner = await store.organization(server.organization_permalink)
    await store.update_organization(replace(owner, suspended_at=NOW))
    later = a_server(owner)
    await store.add_server(later)
    await store.update_server(replace(server, name="Still suspended"))
    fresh = await world[Directory].fresh_servers([server.id, later.id, a_server_id()])
    assert {one: value.is_suspended for one, value in fresh.items()} == {
        server.id: True,
        later.id: True,
    }
    await store.update_organization(owner)
    fresh = await world[Directory].fresh_servers([server.id])
    assert fresh[server.id].is_suspended is False


async def test_a_domain_has_one_name_for_each_owner(world: World, server: Server) -> None:
    store = world[Accounts]
    domain = a_domain(
        server, use_for_any=True, dkim_ok=True, keys=(KEY, replace(KEY, selector="b"))
    )
    shared = a_domain(server, of_organization=True, name=domain.name, verified_at=None)
    await store.add_domain(domain)
    await store.add_domain(shared)
    with pytest.raises(Conflict):
        await store.add_domain(replace(domain, uuid="another"))
    assert await store.domains(server.organization_id, server.id) == [domain]
    assert await store.domains(server.organization_id, None) == [shared]
    verified = replace(shared, verified_at=NOW)
    await store.update_domain(verified)
    assert await store.domains(server.organization_id, None) == [verified]
    await store.remove_domain(domain)
    assert await store.domains(server.organization_id, server.id) == []


async def test_domains_are_listed_by_name(world: World, server: Server) -> None:
    for name in ("b.test", "a.test", "c.test"):
        await world[Accounts].add_domain(a_domain(server, name=name))
    found = await world[Accounts].domains(server.organization_id, server.id)
    assert [domain.name for domain in found] == ["a.test", "b.test", "c.test"]


async def test_a_credential_is_kept_whole_and_removed(world: World, server: Server) -> None:
    store = world[Accounts]
    credential = a_credential(
        server,
        kind=CredentialKind.SMTP,
        sealed_key=b"\x00\x01sealed",
        hold=True,
        bare_newlines=BareNewlines.NORMALISE,
    )
    await store.add_credential(credential)
    assert await store.credentials(server.id) == [credential]
    used = replace(credential, last_used_at=NOW, name="Renamed")
    await store.update_credential(used)
    assert await store.credentials(server.id) == [used]
    assert await world[Directory].credential(credential.digest) == used
    await store.remove_credential(used)
    assert await store.credentials(server.id) == []


async def test_no_two_credentials_share_id_key_or_network(world: World, server: Server) -> None:
    store = world[Accounts]
    credential = a_credential(server)
    network = a_credential(server, kind=CredentialKind.SMTP_IP, digest="", network="192.0.2.0/24")
    await store.add_credential(credential)
    await store.add_credential(network)
    for taken in (
        a_credential(server, id=credential.id),
        a_credential(server, digest=credential.digest),
        replace(network, id="another"),
    ):
        with pytest.raises(Conflict):
            await store.add_credential(taken)
    assert len(await store.credentials(server.id)) == 2


async def test_of_ten_credentials_with_one_key_one_is_added(world: World, server: Server) -> None:
    rivals = [a_credential(server, digest=f"digest-{server.id}") for _ in range(10)]
    results = await asyncio.gather(
        *(world[Accounts].add_credential(one) for one in rivals), return_exceptions=True
    )
    assert results.count(None) == 1
    assert len(await world[Accounts].credentials(server.id)) == 1


async def test_egress_sources_of_a_pool(world: World) -> None:
    store = world[Accounts]
    pool = f"pool-{a_server_id()}"
    source = EgressSource(
        "two",
        pool,
        EgressKind.SMARTHOST,
        host="smtp.example.com",
        port=587,
        username="user",
        sealed_password=b"\x00sealed",
        tls="required",
    )
    await store.add_egress_source(source)
    await store.add_egress_source(EgressSource("one", pool, address="192.0.2.1", ehlo="mx.test"))
    with pytest.raises(Conflict):
        await store.add_egress_source(EgressSource("two", pool))
    assert [one.name for one in await store.egress_sources(pool)] == ["one", "two"]
    assert (await store.egress_sources(pool))[1] == source
    assert [one.name for one in await world[Directory].egress_sources(pool)] == ["one", "two"]
    assert pool in await store.egress_pools()
    changed = replace(source, priority=7, suspended_until=1_900_000_000, sealed_password=None)
    await store.update_egress_source(changed)
    assert (await store.egress_sources(pool))[1] == changed
    with pytest.raises(NotFound):
        await store.update_egress_source(replace(source, name="three"))
    await store.remove_egress_source(source)
    assert [one.name for one in await store.egress_sources(pool)] == ["one"]
    assert pool in await store.egress_pools()


async def test_a_use_is_noted_and_does_not_bring_a_removed_credential_back(
    world: World, server: Server
) -> None:
    credential = a_credential(server)
    await world[Accounts].add_credential(credential)
    await world[Accounts].note_use(credential, 1_800_000_000)
    (found,) = await world[Accounts].credentials(server.id)
    assert found == replace(credential, last_used_at=1_800_000_000)
    await world[Accounts].remove_credential(credential)
    await world[Accounts].note_use(credential, 1_800_000_001)
    assert await world[Accounts].credentials(server.id) == []
