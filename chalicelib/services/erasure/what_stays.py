"""What of an address stays, because it is a part of the configuration: counted. And what of that goes.

What users made names them for as long as they are users; when they are gone, the hash of the address stands there.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import render_value
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.members import MEMBERS, member_place
from chalicelib.domain.people.owners import of_email
from chalicelib.domain.people.searches import SEARCHES
from chalicelib.domain.people.users import BY_EMAIL, USERS, User
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, of_keys
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.ports.acting import acting
from chalicelib.ports.repository import Repository

T = TypeVar("T")


async def count_people(
    repository: Repository, organization: OrganizationId, sought: Sought
) -> dict[str, int]:
    """The member of this address, who is a user too; of users who are no members nothing is told."""
    user = await _user(repository, sought)
    if user is None:
        return {"users": 0, "members": 0}
    place = member_place(organization, user.id)
    found = len(await repository.get_many(MEMBERS, [place]))
    return {"users": found, "members": found}


async def forget_invitations(
    repository: Repository, organization: OrganizationId, sought: Sought
) -> None:
    """Withdraw what was sent to an address, and forget that it was; also who sent
    others or made keys, if they are gone."""
    is_gone = await _user(repository, sought) is None
    for one in await repository.all(INVITATIONS, of_organization(organization)):
        if one.email == sought.address.lower():
            with suppress(NotFound):
                await repository.remove(INVITATIONS, one)
        elif is_gone and sought.is_in(one.invited_by):
            await _renamed(repository, INVITATIONS, one, invited_by=sought.digest)
    for key in await repository.all(MANAGEMENT_KEYS, of_keys(organization)):
        if is_gone and sought.is_in(key.created_by):
            await _renamed(repository, MANAGEMENT_KEYS, key, created_by=sought.digest)


async def forget_searches(repository: Repository, server: ServerId, sought: Sought) -> None:
    """Remove saved searches of a server that name an address, and forget who made others, if they are gone."""
    is_gone = await _user(repository, sought) is None
    for one in await repository.all(SEARCHES, of_server(server)):
        if sought.is_in(f"{one.name} {one.q}"):
            with suppress(NotFound):
                await repository.remove(SEARCHES, one)
        elif is_gone and sought.is_in(one.created_by):
            await _renamed(repository, SEARCHES, one, created_by=sought.digest)


async def _user(repository: Repository, sought: Sought) -> User | None:
    try:
        return await repository.find(USERS, BY_EMAIL, Place(of_email(sought.address.lower())))
    except NotFound:
        return None


async def _renamed(repository: Repository, entity: Entity[T], value: T, **names: str) -> None:
    """Say something else of who made it: no change that the log would tell of."""

    def named(one: Any) -> Any:
        return replace(one, **names)

    with acting(None), suppress(NotFound):
        await repository.modify(entity, entity.place(value), named)


async def count_nouns(repository: Repository, server: ServerId, sought: Sought) -> dict[str, int]:
    """Routes and endpoints of a server that name an address."""
    routes = await repository.all(ROUTES, of_server(server))
    endpoints = await repository.all(ENDPOINTS, of_server(server))
    named = [f"{one.name}@{one.domain} {render_value(one)}" for one in routes]
    return {
        "routes": sum(map(sought.is_in, named)),
        "endpoints": sum(sought.is_in(f"{one.address} {one.url}") for one in endpoints),
    }
