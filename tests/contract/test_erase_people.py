"""An address that is a user's is erased: mail and invitations go; who they are stays, and what the log says of them."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from chalicelib.domain.errors import NotFound
from chalicelib.domain.people.invitations import INVITATIONS, Invitation
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.searches import SEARCHES, SavedSearch
from chalicelib.domain.people.sessions import SESSIONS, Session
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, ManagementKey
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.acting import acting
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.people.users import Users
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from tests.contract.conftest import World
from tests.contract.nouns import an_invitation
from tests.contract.test_erase import ADDRESS, OTHER, Scene
from tests.fakes import an_organization
from tests.people import HERE, a_person, made_member

EMAIL = ADDRESS.lower()
# Where the log is, and who users are, as tests/erased.py names places in a folder and on AWS.
LOG = r"control\.db(-wal)?( nouns audit entry)?|.* AUDIT#.*"
WHO = r"control\.db (nouns (user|ticket)|look_ups user)|.* US#.*"


@dataclass
class People:
    """Whose address is erased, somebody else, and what the first has to do with the organization."""

    scene: Scene
    user: User
    other: User
    member: Member
    session: Session
    to_them: Invitation
    by_them: Invitation
    elsewhere: Invitation
    search: SavedSearch
    key: ManagementKey


@pytest.fixture
async def people(world: World) -> AsyncIterator[People]:
    scene = Scene(world)
    await scene.fill()
    organization, store = scene.organization.id, world[Repository]
    user, other = await a_person(world, email=EMAIL), await a_person(world)
    made = People(
        scene,
        user,
        other,
        await made_member(world, user, organization, Role.ADMIN),
        (await world[Sessions].open(user, HERE))[0],
        an_invitation(organization, email=EMAIL, expires_at=int(world.clock.now()) + 999_999),
        replace(
            an_invitation(organization, email=OTHER, expires_at=int(world.clock.now()) + 999_999),
            invited_by=EMAIL,
        ),
        an_invitation(
            an_organization().id, email=EMAIL, expires_at=int(world.clock.now()) + 999_999
        ),
        SavedSearch(
            world.server, secrets.token_hex(6), "late", "tag:x", user.id, EMAIL, 1, shared=True
        ),
        ManagementKey(
            f"k{secrets.token_hex(5)}",
            "deploy",
            1,
            EMAIL,
            secrets.token_hex(32),
            "…",
            ("*",),
            organization,
        ),
    )
    with acting(Acting(Actor("user", EMAIL, user.id), "192.0.2.7", "r1")):
        for one in (made.to_them, made.by_them, made.elsewhere):
            await store.add(INVITATIONS, one)
        await store.add(SEARCHES, made.search)
        await store.add(MANAGEMENT_KEYS, made.key)
        await store.replace(SERVERS, replace(scene.server, postmaster_address="x@y.test"))
    await world[Tickets].give(TicketPurpose.EMAIL, user.id, json.dumps({"email": EMAIL}))
    made.user = await store.get(USERS, user_place(user.id))
    yield made
    with suppress(NotFound):  # tests share tables, and an address is one user's
        await store.remove(USERS, await store.get(USERS, user_place(user.id)))


async def erased(people: People) -> dict[str, int]:
    """What stays."""
    result = json.loads((await people.scene.erase("jbone")).result)
    kept: dict[str, int] = result["kept"]
    return kept


async def odd(scene: Scene, known: str) -> list[str]:
    """Where the address lies but for known places, and the content of somebody else's message that names it."""
    naming = await scene.world[MessageStore].get(scene.world.server, scene.naming.id)
    known = rf"{known}|(bodies/)?{re.escape(naming.message.blob.key)}"
    return [one for one in scene.places() if not re.fullmatch(known, one)]


async def test_a_user_stays_and_invitations_to_the_address_go(people: People) -> None:
    store = people.scene.world[Repository]
    assert (await erased(people))["users"] == 1
    assert await store.get(USERS, user_place(people.user.id)) == people.user
    assert await store.get(MEMBERS, MEMBERS.place(people.member)) == people.member
    assert await store.get(SESSIONS, SESSIONS.place(people.session)) == people.session
    with pytest.raises(NotFound):
        await store.get(INVITATIONS, INVITATIONS.place(people.to_them))
    for stays in (people.by_them, people.elsewhere):
        assert await store.get(INVITATIONS, INVITATIONS.place(stays)) == stays
    await store.remove(
        INVITATIONS, people.by_them
    )  # those that they sent name them as long as they are a user
    await store.remove(INVITATIONS, people.elsewhere)
    await store.remove(SEARCHES, people.search)
    await store.remove(MANAGEMENT_KEYS, people.key)
    assert await odd(people.scene, f"{LOG}|{WHO}") == []


async def test_the_audit_log_says_what_it_said_and_is_whole(people: People) -> None:
    log, chain = people.scene.world[AuditLog], people.scene.organization.id
    by_them = EntryFilter(actor=people.user.id)
    before = (await log.page(chain, by_them, 100)).values
    assert {one.actor_name for one in before} == {EMAIL}
    await erased(people)
    after = (await log.page(chain, by_them, 100)).values
    assert [one for one in after if one in before] == list(before)
    assert (await log.first_broken(chain))[1] is None


async def test_of_a_user_who_is_gone_the_log_alone_knows_the_address(people: People) -> None:
    world, store = people.scene.world, people.scene.world[Repository]
    await made_member(world, people.other, people.scene.organization.id, Role.OWNER)
    await world[Users].remove(await world[Users].get(people.user.id))
    await store.remove(INVITATIONS, people.elsewhere)
    kept = await erased(people)
    assert (kept["users"], kept["members"]) == (0, 0)
    search = await store.get(SEARCHES, SEARCHES.place(people.search))
    key = await store.get(MANAGEMENT_KEYS, MANAGEMENT_KEYS.place(people.key))
    assert search.created_by == key.created_by
    assert key.created_by.startswith("sha256:")
    assert await odd(people.scene, LOG) == []
    again = json.loads((await people.scene.erase("jbtwo")).result)
    assert (again["emails"], again["kept"]["users"]) == (0, 0)
