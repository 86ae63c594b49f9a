"""What of an address stays, because it is a part of the configuration: counted. And what of that goes."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import render_value
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.members import MEMBERS, member_place
from chalicelib.domain.people.owners import of_email
from chalicelib.domain.people.searches import SEARCHES
from chalicelib.domain.people.users import BY_EMAIL, USERS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.ports.repository import Repository


async def count_people(
    repository: Repository, organization: OrganizationId, sought: Sought
) -> dict[str, int]:
    """The member of this address, who is a user too; of users who are no members nothing is told."""
    try:
        place = Place(of_email(sought.address.lower()))
        user = await repository.find(USERS, BY_EMAIL, place)
    except NotFound:
        return {"users": 0, "members": 0}
    place = member_place(organization, user.id)
    found = len(await repository.get_many(MEMBERS, [place]))
    return {"users": found, "members": found}


async def forget_invitations(
    repository: Repository, organization: OrganizationId, sought: Sought
) -> None:
    """Withdraw what was sent to an address, and forget that it was."""
    for one in await repository.all(INVITATIONS, of_organization(organization)):
        if one.email == sought.address.lower():
            with suppress(NotFound):
                await repository.remove(INVITATIONS, one)


async def forget_searches(repository: Repository, server: ServerId, sought: Sought) -> None:
    """Remove saved searches of a server that name an address."""
    for one in await repository.all(SEARCHES, of_server(server)):
        if sought.is_in(f"{one.name} {one.q}"):
            with suppress(NotFound):
                await repository.remove(SEARCHES, one)


async def count_nouns(repository: Repository, server: ServerId, sought: Sought) -> dict[str, int]:
    """Routes and endpoints of a server that name an address."""
    routes = await repository.all(ROUTES, of_server(server))
    endpoints = await repository.all(ENDPOINTS, of_server(server))
    named = [f"{one.name}@{one.domain} {render_value(one)}" for one in routes]
    return {
        "routes": sum(map(sought.is_in, named)),
        "endpoints": sum(sought.is_in(f"{one.address} {one.url}") for one in endpoints),
    }
