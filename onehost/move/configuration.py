"""Every noun of the configuration of one installation in another: the same places, secrets sealed anew.

What the source lacks is removed, so that a credential that was revoked between two runs works nowhere.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.nouns import secrets_of, with_secrets
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import (
    ALL_ORGANIZATIONS,
    THE_INSTALLATION,
    of_domain_owner,
    of_organization,
    of_pool,
    of_server,
)
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault

Noun = tuple[Entity[Any], Any]


async def copy_configuration(source: Posthorn, target: Posthorn) -> None:
    """Make the target's configuration the source's."""
    wanted = [noun async for noun in _nouns(source)]
    places = {(entity.word, entity.place(value)) for entity, value in wanted}
    theirs = [noun async for noun in _nouns(target)]
    for entity, value in reversed(theirs):
        if (entity.word, entity.place(value)) not in places:
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
    for organization in await organizations(program):
        yield ORGANIZATIONS, organization
        for domain in await repository.all(DOMAINS, of_domain_owner(organization.id, None)):
            yield DOMAINS, domain
        for server in await repository.all(SERVERS, of_organization(organization.id)):
            yield SERVERS, server
            for noun in await _of_server(repository, server.id):
                yield noun
    for pool in await repository.owners(SOURCES):
        for way in await repository.all(SOURCES, of_pool(pool)):
            yield SOURCES, way


async def _of_server(repository: Repository, server: ServerId) -> list[Noun]:
    kinds: tuple[Entity[Any], ...] = (DOMAINS, TRACK_DOMAINS, CREDENTIALS)
    return [
        (entity, value)
        for entity in kinds
        for value in await repository.all(entity, of_server(server))
    ]


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
