"""Members and invitations: an owner stays, a link is used once, and what was given more than held is taken back."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, MailError, NotFound, Refused, Taken, Unauthenticated
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, user_place
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.ports.repository import Repository
from chalicelib.services.people.invitations import Invitations
from chalicelib.services.people.members import Members, Terms
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.users import NewUser, Users
from chalicelib.services.tenancy.audit_log import AuditLog
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.callers import Callers
from chalicelib.services.tenancy.organizations import Organizations
from tests.contract.conftest import World
from tests.people import HERE, PASSWORD, a_person, made_member

OPERATOR = Caller.operator("a test")


async def an_organization(world: World) -> Organization:
    """One of its own."""
    return await world[Organizations].create("Acme")


async def link_to(world: World, organization: Organization, email: str) -> str:
    """The token of a new link."""
    terms = Terms(Role.MEMBER)
    made = await world[Invitations].invite(organization, email, terms, OPERATOR)
    assert made.url is not None
    assert made.url.rpartition("/")[2] not in repr(made.invitation)
    return made.url.rpartition("/")[2]


def test_no_mail_is_sent_here(world: World) -> None:
    assert Settings().system_server == world.settings.system_server == ""


async def test_a_link_makes_one_member_however_many_follow_it(world: World) -> None:
    organization = await an_organization(world)
    email = f"{organization.permalink}@people.test"
    token, wanted = await link_to(world, organization, email), NewUser("", password=PASSWORD)
    accept = world[Invitations].accept
    found = await asyncio.gather(
        *(accept(token, None, wanted, HERE) for _ in range(3)), return_exceptions=True
    )
    assert sum(isinstance(one, Organization) for one in found) == 1
    assert all(isinstance(one, Organization | MailError) for one in found)
    ((member, user),) = await world[Members].of(organization.id)
    assert (member.role, user.email) == (Role.MEMBER, email)
    assert await world[AuditLog].first_broken(organization.id) == (3, None)


async def test_a_link_is_for_the_person_that_it_was_sent_to(world: World) -> None:
    organization, user, other = (
        await an_organization(world),
        await a_person(world),
        await a_person(world),
    )
    token, accept = await link_to(world, organization, user.email), world[Invitations].accept
    with pytest.raises(Unauthenticated):
        await accept(token, None, NewUser("", password=PASSWORD), HERE)
    with pytest.raises(Refused):
        await accept(token, other, None, HERE)
    await accept(token, user, None, HERE)
    with pytest.raises(NotFound):
        await accept(token, user, None, HERE)
    with pytest.raises(Taken):
        await world[Invitations].invite(organization, user.email, Terms(Role.VIEWER), OPERATOR)


async def test_of_two_owners_who_leave_at_once_one_stays(world: World) -> None:
    organization = await an_organization(world)
    owners = [
        await made_member(world, await a_person(world), organization.id, Role.OWNER)
        for _ in range(2)
    ]
    found = await asyncio.gather(
        world[Members].remove(owners[0]),
        world.another()[Members].remove(owners[1]),
        return_exceptions=True,
    )
    assert [type(one) for one in found if one is not None] == [Conflict]
    ((left, user),) = await world[Members].of(organization.id)
    with pytest.raises(Conflict):
        await world[Members].change(left, user, role=Role.ADMIN)
    with pytest.raises(Conflict):
        await world[Users].remove(user)


async def test_a_change_of_what_proves_a_user_ends_their_other_sessions(world: World) -> None:
    user = await a_person(world)
    kept, token = await world[Sessions].open(user, HERE)
    for changes in ({"first_name": "Ada"}, {"time_zone": "Europe/Vienna"}):
        await world[Sessions].open(user, HERE)
        await world[Users].change(user.id, kept, **changes)
        assert len(await world[Sessions].of(user.id)) >= 2
    for changes in ({"admin": True}, {"password": "x"}, {"email": f"new.{user.email}"}):
        await world[Sessions].open(user, HERE)
        await world[Users].change(user.id, kept, **changes)
        assert [one.id for one in await world[Sessions].of(user.id)] == [kept.id]
    caller = await world[Callers].by_session(token, "")
    assert caller.person is not None
    assert caller.person.user.email == f"new.{user.email}"
    assert await world[Users].known(user.email) is None


async def test_a_person_has_in_each_organization_what_they_are_there(world: World) -> None:
    user = await a_person(world)
    first, second, foreign = [await an_organization(world) for _ in range(3)]
    await made_member(world, user, first.id, Role.OWNER)
    await made_member(world, user, second.id, Role.VIEWER)
    _, token = await world[Sessions].open(user, HERE)
    caller = await world[Callers].by_session(token, "")
    one, other = caller.within(first.id), caller.within(second.id)
    assert (one.is_owner, one.reads_content, "people:write" in one.scopes) == (True, True, True)
    assert (other.is_owner, other.reads_content) == (False, False)
    assert "emails:write" not in other.scopes
    assert caller.within(foreign.id).scopes == frozenset()
    assert not caller.reaches_organization(foreign.id)
    assert not one.reaches_organization(second.id)
    assert not caller.is_of_installation

    operator = replace(await world[Repository].get(USERS, user_place(user.id)), admin=True)
    await world[Repository].replace(USERS, operator)
    everywhere = await world[Callers].by_session(token, "")
    assert everywhere.within(foreign.id).is_owner
    assert everywhere.is_of_installation
    assert everywhere.reads_content
