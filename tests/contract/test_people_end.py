"""What of people ends by itself, and what is theirs when they go."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.members import MEMBERS
from chalicelib.domain.people.passkeys import PASSKEYS, Passkey
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.searches import SEARCHES, SavedSearch
from chalicelib.domain.people.sessions import SESSIONS, UNUSED_SECONDS
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.ports.repository import Repository
from chalicelib.services.people.forget_ended import ForgetEnded
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import TICKET_SECONDS, Tickets
from chalicelib.services.people.users import Users
from tests.contract.conftest import World
from tests.contract.nouns import an_invitation
from tests.fakes import a_server_id, an_organization
from tests.people import HERE, a_person, made_member


async def test_what_has_ended_is_forgotten_and_what_goes_on_stays(world: World) -> None:
    user, store = await a_person(world), world[Repository]
    session, token = await world[Sessions].open(user, HERE)
    ticket = await world[Tickets].give(TicketPurpose.RESET, user.id)
    now = int(world.clock.now())
    invitation = an_invitation(an_organization().id, created_at=now, expires_at=now + 10)
    await store.add(INVITATIONS, invitation)
    later = an_invitation(
        an_organization().id, created_at=now, expires_at=now + 10 * UNUSED_SECONDS
    )
    await store.add(INVITATIONS, later)

    world.clock.advance(TICKET_SECONDS)
    assert await world[ForgetEnded].run() >= 2
    with pytest.raises(NotFound):
        await store.get(INVITATIONS, INVITATIONS.place(invitation))
    assert await store.get(SESSIONS, SESSIONS.place(session)) == session
    assert ticket != token

    world.clock.advance(UNUSED_SECONDS)
    await world[ForgetEnded].run()
    with pytest.raises(NotFound):
        await store.get(SESSIONS, SESSIONS.place(session))
    assert await store.get(INVITATIONS, INVITATIONS.place(later)) == later
    assert await world[ForgetEnded].run() == 0


async def test_with_a_user_goes_what_is_theirs_alone(world: World) -> None:
    user, store, server = await a_person(world), world[Repository], a_server_id()
    organization = an_organization()
    await made_member(world, await a_person(world), organization.id, Role.OWNER)
    member = await made_member(world, user, organization.id, Role.OWNER)
    sent = an_invitation(organization.id, inviter=user.id)
    await store.add(INVITATIONS, sent)
    passkey = Passkey(user.id, "one", "phone", b"c", b"k", 1)
    await store.add(PASSKEYS, passkey)
    own = SavedSearch(server, secrets.token_hex(6), "own", "", user.id, user.email, 1)
    shared = replace(own, id=secrets.token_hex(6), shared=True)
    for search in (own, shared):
        await store.add(SEARCHES, search)
    session, _ = await world[Sessions].open(user, HERE)

    await world[Users].remove(await world[Users].get(user.id))
    for entity, value in (
        (MEMBERS, member),
        (INVITATIONS, sent),
        (PASSKEYS, passkey),
        (SEARCHES, own),
        (SESSIONS, session),
    ):
        with pytest.raises(NotFound):
            await store.get(entity, entity.place(value))
    assert await store.get(SEARCHES, SEARCHES.place(shared)) == shared
    again = await a_person(world, email=user.email)
    assert await world[Users].known(user.email) == again
