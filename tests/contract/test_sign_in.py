"""People sign in: the right ones, for as long as they may, and never by trying often enough."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound, Unauthenticated
from chalicelib.domain.people.passwords import is_current
from chalicelib.domain.people.sessions import DAY
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import USERS, user_place
from chalicelib.domain.rates import SIGN_IN
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, AuditEntry, of_chain
from chalicelib.ports.repository import Repository
from chalicelib.services.people.factors import Proof
from chalicelib.services.people.sessions import MOST_SESSIONS, Browser, Sessions
from chalicelib.services.people.sign_in import SecondFactorRequired, SignIn
from chalicelib.services.people.tickets import MOST_TRIES, TICKET_SECONDS, Tickets
from chalicelib.services.rates import RateExceeded
from chalicelib.services.tenancy.audit_log import AuditLog
from chalicelib.services.tenancy.callers import Callers
from tests.contract.conftest import World
from tests.people import PASSWORD, a_person


def somewhere() -> Browser:
    """A browser in a network where nobody else is."""
    octets = secrets.token_bytes(3)
    return Browser(f"10.{octets[0]}.{octets[1]}.{octets[2]}", "Firefox", "r1")


async def entries(world: World, action: str, actor: str | None) -> list[AuditEntry]:
    """What the installation's log has of somebody."""
    every = await world[Repository].all(AUDIT_ENTRIES, of_chain(None))
    return [one for one in every if (one.action, one.actor_id) == (action, actor)]


async def test_who_knows_the_password_gets_a_session_that_lets_them_in(world: World) -> None:
    user, browser = await a_person(world), somewhere()
    opened = await world[SignIn].open(f" {user.email.upper()} ", PASSWORD, browser)
    caller = await world.another()[Callers].by_session(opened.token, browser.address)
    assert caller.person is not None
    assert caller.person.user.id == user.id
    assert caller.person.session.confirmed_at == world.clock.now()
    assert opened.token not in repr(opened.session)
    (entry,) = await entries(world, "session.create", user.id)
    assert (entry.actor_name, entry.address) == (user.email, browser.address)
    assert await world[AuditLog].first_broken(None) == (
        len(await world[Repository].all(AUDIT_ENTRIES, of_chain(None))),
        None,
    )


async def test_a_password_kept_at_an_older_cost_is_kept_anew_at_sign_in(world: World) -> None:
    user = await a_person(world)
    await world[SignIn].by_password(user.email, PASSWORD, somewhere())
    kept = await world[Repository].get(USERS, user_place(user.id))
    assert is_current(kept.password)
    await world[SignIn].by_password(user.email, PASSWORD, somewhere())
    assert await world[Repository].get(USERS, user_place(user.id)) == kept


async def test_whatever_is_wrong_the_answer_is_the_same(world: World) -> None:
    without = await a_person(world, password="")
    known = await a_person(world)
    told = set()
    tries = [
        (known.email, "wrong"),
        (without.email, ""),
        (without.email, PASSWORD),
        ("nobody@people.test", PASSWORD),
        ("no address at all\0", PASSWORD),
        (known.email, "x" * 100_000),
    ]
    for email, password in tries:
        with pytest.raises(Unauthenticated) as refused:
            await world[SignIn].open(email, password, somewhere())
        told.add((refused.value.public, refused.value.code))
    assert len(told) == 1


async def test_failures_are_entered_once_a_minute(world: World) -> None:
    user = await a_person(world)
    for _ in range(3):
        with pytest.raises(Unauthenticated):
            await world[SignIn].open(user.email, "wrong", somewhere())
    (entry,) = await entries(world, "session.fail", user.id)
    assert (entry.after, entry.actor_name) == ('{"failures":1}', user.email)
    world.clock.advance(61)
    with pytest.raises(Unauthenticated):
        await world[SignIn].open(user.email, "wrong", somewhere())
    assert (await entries(world, "session.fail", user.id))[0].after == '{"failures":4}'


async def test_a_failure_of_somebody_unknown_names_nobody(world: World) -> None:
    world.clock.advance(60 * secrets.randbelow(10**6))
    with pytest.raises(Unauthenticated):
        await world[SignIn].open("nobody@people.test", "wrong", somewhere())
    (entry, *_) = await entries(world, "session.fail", None)
    assert (entry.actor_kind, entry.actor_name) == ("user", None)
    assert "nobody" not in repr(entry)


async def test_guesses_from_a_network_end_and_its_owner_comes_in_elsewhere(world: World) -> None:
    user, guesser = await a_person(world), somewhere()
    for _ in range(SIGN_IN.quota):
        with pytest.raises(Unauthenticated):
            await world[SignIn].open(user.email, "wrong", guesser)
    with pytest.raises(RateExceeded):
        await world[SignIn].open(user.email, PASSWORD, guesser)
    with pytest.raises(RateExceeded):
        await world[SignIn].open("nobody@people.test", PASSWORD, guesser)
    assert await world[SignIn].open(user.email, PASSWORD, somewhere())
    world.clock.advance(SIGN_IN.seconds + 1)
    assert await world[SignIn].open(user.email, PASSWORD, guesser)


async def test_as_many_guesses_at_once_are_no_more(world: World) -> None:
    user, guesser = await a_person(world), somewhere()
    tries = (world[SignIn].open(user.email, "wrong", guesser) for _ in range(SIGN_IN.quota + 6))
    found = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, RateExceeded) for one in found) == 6


async def test_signing_in_often_is_no_failure(world: World) -> None:
    user, browser = await a_person(world), somewhere()
    for _ in range(SIGN_IN.quota + 2):
        found, quota = await world[SignIn].by_password(user.email, PASSWORD, browser)
        assert (found.id, quota.left) == (user.id, SIGN_IN.quota - 1)


async def test_a_second_factor_is_asked_for_by_a_ticket_that_alone_opens_nothing(
    world: World,
) -> None:
    user = await a_person(world, recovery=("digest",), passkeys=1)
    with pytest.raises(SecondFactorRequired) as asked:
        await world[SignIn].open(user.email, PASSWORD, somewhere())
    assert set(asked.value.methods) == {"passkey", "recovery_code"}
    with pytest.raises(Unauthenticated):
        await world[Callers].by_session(asked.value.ticket, "")
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(asked.value.ticket, Proof(totp="0"), somewhere())
    assert list(await world[Sessions].of(user.id)) == []


async def test_a_ticket_ends_after_its_time_and_its_tries_and_is_of_one_purpose(
    world: World,
) -> None:
    tickets, purpose = world[Tickets], TicketPurpose.SIGN_IN
    token = await tickets.give(purpose, "usx", "{}")
    assert [(await tickets.take(token, purpose)).tries for _ in range(MOST_TRIES)] == [
        *range(1, MOST_TRIES + 1)
    ]
    late = await tickets.give(purpose, "usx", "{}")
    with pytest.raises(NotFound):
        await tickets.take(late, TicketPurpose.RESET)
    world.clock.advance(TICKET_SECONDS)
    for ended in (token, late, "", "x" * 1_000, "unknown"):
        with pytest.raises(NotFound):
            await tickets.take(ended, purpose)


@pytest.mark.parametrize(("remember", "days"), [(False, 14), (True, 60)])
async def test_a_session_ends_when_it_is_not_used_and_at_last_anyway(
    world: World, remember: bool, days: int
) -> None:
    user, browser = await a_person(world), somewhere()
    opened = await world[SignIn].open(user.email, PASSWORD, browser, remember=remember)
    callers, born = world[Callers], world.clock.now()
    while world.clock.now() + (days - 1) * DAY < born + 90 * DAY:
        world.clock.advance((days - 1) * DAY)
        await callers.by_session(opened.token, "")
    world.clock.advance(born + 90 * DAY - world.clock.now())
    with pytest.raises(Unauthenticated):
        await callers.by_session(opened.token, "")

    other = await world[SignIn].open(user.email, PASSWORD, browser, remember=remember)
    world.clock.advance(days * DAY)
    with pytest.raises(Unauthenticated):
        await callers.by_session(other.token, "")


async def test_a_session_that_was_ended_lets_nobody_in_anywhere(world: World) -> None:
    user, browser = await a_person(world), somewhere()
    first = await world[SignIn].open(user.email, PASSWORD, browser)
    second = await world[SignIn].open(user.email, PASSWORD, browser)
    callers = world.another()[Callers]
    await callers.by_session(first.token, "")
    await world[Sessions].end_all(user.id, but=second.session)
    with pytest.raises(Unauthenticated):
        await callers.by_session(first.token, "")
    assert await callers.by_session(second.token, "")
    await world[Sessions].end(user.id, second.session.id)
    with pytest.raises(NotFound):
        await world[Sessions].end(user.id, second.session.id)
    with pytest.raises(Unauthenticated):
        await callers.by_session(second.token, "")


async def test_of_very_many_sessions_the_oldest_end(world: World) -> None:
    user, tokens = await a_person(world), []
    for number in range(MOST_SESSIONS + 2):
        world.clock.advance(number in (1, 2))
        tokens.append((await world[Sessions].open(user, somewhere()))[1])
    assert len(await world[Sessions].of(user.id)) == MOST_SESSIONS
    for token in tokens[:2]:
        with pytest.raises(Unauthenticated):
            await world[Callers].by_session(token, "")
    assert await world[Callers].by_session(tokens[2], "")


async def test_a_session_of_a_user_who_is_gone_lets_nobody_in(world: World) -> None:
    user = await a_person(world)
    _, token = await world[Sessions].open(user, somewhere())
    await world[Repository].remove(USERS, replace(user))
    with pytest.raises(Unauthenticated):
        await world[Callers].by_session(token, "")
