"""Every noun of the configuration of one installation in another: the same places, secrets sealed anew.

What the source lacks is removed, so that a credential that was revoked between two runs works nowhere. Mail of a server
that the source lacks is left to the target's purge, and so is what is being purged at the source. The notice of an
installation stays where it is: it tells of that one; so does the provider at which people sign in, and they do so anew.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import NotFound
from chalicelib.domain.nouns import (
    OF_ORGANIZATIONS,
    OF_SERVERS,
    OF_USERS,
    secrets_of,
    with_secrets,
)
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.owners import ALL_USERS, of_user
from chalicelib.domain.people.users import USERS
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, CHAIN_HEADS, ChainHead, of_chain
from chalicelib.domain.tenancy.brought import (
    BROUGHT,
    SERVER_TOKENS,
    of_group,
    of_server_token,
)
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Entity, Owner, Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, of_keys
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import (
    ALL_ORGANIZATIONS,
    THE_INSTALLATION,
    of_organization,
    of_pool,
    of_server,
)
from chalicelib.domain.tenancy.pools import ALL_POOLS, POOLS
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.ports.acting import acting
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.removal import RemoveTenants

Noun = tuple[Entity[Any], Any]
ENTRIES_AT_ONCE = 40  # with their look-ups and a head within what one transaction takes


async def copy_configuration(source: Posthorn, target: Posthorn) -> None:
    """Make the target's configuration the source's, with its audit log; the copying leaves no entries of its own."""
    with acting(None):
        await _copy_nouns(source, target)
        for chain in (None, *(one.id for one in await organizations(source))):
            await _copy_chain(chain, source[Repository], target[Repository])


async def _copy_nouns(source: Posthorn, target: Posthorn) -> None:
    wanted = [noun async for noun in _nouns(source)]
    places = {(entity.word, entity.place(value)) for entity, value in wanted}
    theirs = [noun async for noun in _nouns(target)]
    for entity, value in reversed(theirs):
        if (entity.word, entity.place(value)) in places:
            continue
        if entity is SERVERS:
            await target[RemoveTenants].remove_server(value)
        elif entity is not REMOVALS:
            await target[Repository].remove(entity, value)
    for entity, value in wanted:
        await _copy(entity, value, source, target)


async def organizations(program: Posthorn) -> list[Organization]:
    """Those that there are."""
    return await program[Repository].all(ORGANIZATIONS, ALL_ORGANIZATIONS)


async def servers(program: Posthorn) -> list[ServerId]:
    """The ids of the servers of all organizations."""
    found = [
        server.id
        for one in await organizations(program)
        for server in await program[Repository].all(SERVERS, of_organization(one.id))
    ]
    return sorted(found)


async def pools(program: Posthorn) -> list[str]:
    """Those that have a way out."""
    repository = program[Repository]
    named = await repository.owners(SOURCES)
    return [pool for pool in named if await repository.all(SOURCES, of_pool(pool))]


async def _nouns(program: Posthorn) -> AsyncIterator[Noun]:
    """Each noun after its owner."""
    repository = program[Repository]
    with contextlib.suppress(NotFound):
        yield INSTALLATION, await repository.get(INSTALLATION, Place(THE_INSTALLATION))
    for noun in await _owned(repository, of_keys(None), MANAGEMENT_KEYS):
        yield noun
    for user in await repository.all(USERS, ALL_USERS):
        yield USERS, user
        for noun in await _owned(repository, of_user(user.id), *OF_USERS):
            yield noun
    for organization in await organizations(program):
        for noun in await _of_organization(repository, organization):
            yield noun
    places: list[tuple[Owner, Entity[Any]]]
    places = [(of_pool(one), SOURCES) for one in await repository.owners(SOURCES)]
    places += [(of_group(one), BROUGHT) for one in await repository.owners(BROUGHT)]
    tokens = await repository.owners(SERVER_TOKENS)
    places += [(of_server_token(one), SERVER_TOKENS) for one in tokens]
    for owner, entity in (*places, (ALL_POOLS, POOLS), (ALL_REMOVALS, REMOVALS)):
        for noun in await _owned(repository, owner, entity):
            yield noun


async def _of_organization(repository: Repository, organization: Organization) -> list[Noun]:
    owner = of_organization(organization.id)
    found: list[Noun] = [(ORGANIZATIONS, organization)]
    found += await _owned(repository, owner, *OF_ORGANIZATIONS)
    for server in await repository.all(SERVERS, owner):
        found.append((SERVERS, server))
        found += await _owned(repository, of_server(server.id), *OF_SERVERS)
    return found


async def _copy_chain(chain: OrganizationId | None, source: Repository, target: Repository) -> None:
    """Entries that the target lacks, oldest first, each batch with the head that it makes."""
    place = Place(of_chain(chain))
    heads = await target.get_many(CHAIN_HEADS, [place])
    known = heads[place].number if heads else 0
    every = await source.all(AUDIT_ENTRIES, of_chain(chain))  # newest first
    missing = [one for one in reversed(every) if one.number > known]
    for start in range(0, len(missing), ENTRIES_AT_ONCE):
        batch = missing[start : start + ENTRIES_AT_ONCE]
        head = ChainHead(chain, batch[-1].number, batch[-1].hash)
        verb = Verb.REPLACE if heads or start else Verb.ADD
        added = (Change(Verb.ADD, AUDIT_ENTRIES, one) for one in batch)
        await target.change(*added, Change(verb, CHAIN_HEADS, head))


async def _owned(repository: Repository, owner: Owner, *kinds: Entity[Any]) -> list[Noun]:
    return [(entity, value) for entity in kinds for value in await repository.all(entity, owner)]


async def _copy(entity: Entity[Any], value: Any, source: Posthorn, target: Posthorn) -> None:
    plain = await _opened(entity, value, source)
    try:
        there = await target[Repository].get(entity, entity.place(value))
    except NotFound:
        there = None
    if there is not None and plain == await _opened(entity, there, target):
        return
    secrets = secrets_of(entity, plain)
    sealed = {
        name: await target[KeyVault].seal(one.sealed, one.context) for name, one in secrets.items()
    }
    copied = with_secrets(entity, plain, sealed)
    if there is None:
        await target[Repository].add(entity, copied)
    else:
        await target[Repository].replace(entity, copied)


async def _opened(entity: Entity[Any], value: Any, program: Posthorn) -> Any:
    """The value with its secrets as they are before they are sealed."""
    secrets = secrets_of(entity, value)
    opened = {
        name: await program[KeyVault].open(one.sealed, one.context) for name, one in secrets.items()
    }
    return with_secrets(entity, value, opened)
