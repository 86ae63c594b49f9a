"""Second factors are set up, let people in once each, and are taken away; the first brings recovery codes."""

from __future__ import annotations

import asyncio
import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict, InvalidRequest, NotFound, TooMany, Unauthenticated
from chalicelib.domain.people.passkeys import MOST_PASSKEYS
from chalicelib.domain.people.recovery_codes import CODES
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.totp import STEP_SECONDS, code_of
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.ports.repository import Repository
from chalicelib.services.people.confirmations import ConfirmationNeeded, Confirmations, Shown
from chalicelib.services.people.factors import Proof
from chalicelib.services.people.own_factors import OwnFactors
from chalicelib.services.people.sessions import Browser, Sessions
from chalicelib.services.people.sign_in import SecondFactorRequired, SignIn
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.people.users import Users
from chalicelib.services.tenancy.signed_in import FindSignedIn
from tests.contract.conftest import World
from tests.passkey_device import Device
from tests.people import HERE, PASSWORD, a_person, signed_in


async def somebody(world: World, **changes: Any) -> tuple[SignedIn, str]:
    """A person with a session, and its token."""
    token = await signed_in(world, await a_person(world, **changes))
    return await world[FindSignedIn].by_token(token, HERE.address), token


async def now_as(world: World, person: SignedIn) -> SignedIn:
    """The same with the user as it is kept."""
    return replace(person, user=await kept(world, person))


async def kept(world: World, person: SignedIn) -> User:
    return await world[Repository].get(USERS, user_place(person.user.id))


def code(world: World, secret: str, steps: int = 0) -> str:
    """What an app with this secret shows now, or some steps away."""
    seed = base64.b32decode(secret)
    return code_of(seed, int(world.clock.now()) // STEP_SECONDS + steps)


def device_at(world: World) -> Device:
    return Device(world.settings.public_url)


async def with_totp(world: World, person: SignedIn) -> tuple[str, tuple[str, ...]]:
    """The secret of an app that makes codes for somebody, and their recovery codes."""
    secret = (await world[OwnFactors].begin_totp(person.user)).text
    now = await now_as(world, person)
    return secret, await world[OwnFactors].enable_totp(now, code(world, secret))


async def with_passkey(world: World, person: SignedIn, device: Device) -> tuple[str, ...]:
    options, ticket = await world[OwnFactors].begin_passkey(person.user)
    now = await now_as(world, person)
    _, codes = await world[OwnFactors].add_passkey(now, ticket, device.make(options), "Key")
    return codes


async def asked(world: World, user: User, browser: Browser = HERE) -> SecondFactorRequired:
    with pytest.raises(SecondFactorRequired) as refused:
        await world[SignIn].open(user.email, PASSWORD, browser)
    return refused.value


async def test_an_app_makes_codes_that_let_in_once(world: World) -> None:
    person, token = await somebody(world)
    other = await signed_in(world, person.user)
    secret, codes = await with_totp(world, person)
    assert len(codes) == CODES
    assert (await world[FindSignedIn].by_token(token, HERE.address)).user.sealed_totp
    with pytest.raises(Unauthenticated):  # what changed ends the other sessions
        await world[FindSignedIn].by_token(other, HERE.address)

    asks = await asked(world, person.user)
    assert (asks.methods, asks.challenge) == (("totp", "recovery_code"), None)
    with pytest.raises(Unauthenticated):  # the code with which it was switched on was used
        await world[SignIn].open_by_ticket(asks.ticket, Proof(code(world, secret)), HERE)
    world.clock.advance(STEP_SECONDS)
    opened = await world[SignIn].open_by_ticket(asks.ticket, Proof(code(world, secret)), HERE)
    assert opened.session.had_second_factor
    again = await asked(world, person.user)
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(again.ticket, Proof(code(world, secret)), HERE)


async def test_of_two_who_show_the_same_code_at_once_one_comes_in(world: World) -> None:
    person, _ = await somebody(world)
    secret, codes = await with_totp(world, person)
    world.clock.advance(STEP_SECONDS)
    for proof in (Proof(code(world, secret)), Proof(recovery_code=codes[0])):
        tickets = [(await asked(world, person.user)).ticket for _ in range(4)]
        done = await asyncio.gather(
            *(world[SignIn].open_by_ticket(one, proof, HERE) for one in tickets),
            return_exceptions=True,
        )
        assert sum(not isinstance(one, BaseException) for one in done) == 1
        world.clock.advance(86_400)  # so that these failures count no longer


async def test_a_seed_works_only_once_its_code_was_shown(world: World) -> None:
    person, _ = await somebody(world)
    with pytest.raises(Conflict):
        await world[OwnFactors].enable_totp(person, "123456")
    secret = (await world[OwnFactors].begin_totp(person.user)).text
    person = await now_as(world, person)
    with pytest.raises(InvalidRequest) as refused:
        await world[OwnFactors].enable_totp(person, code(world, secret, steps=3))
    assert [(one.pointer, one.code) for one in refused.value.errors] == [("/code", "wrong")]
    assert not (await kept(world, person)).has_second_factor
    await world[SignIn].open(person.user.email, PASSWORD, HERE)


async def test_a_seed_that_is_replaced_works_until_then(world: World) -> None:
    person, _ = await somebody(world)
    old, codes = await with_totp(world, person)
    assert codes
    new = (await world[OwnFactors].begin_totp(person.user)).text
    world.clock.advance(STEP_SECONDS)
    asks = await asked(world, person.user)
    await world[SignIn].open_by_ticket(asks.ticket, Proof(code(world, old)), HERE)
    person = await now_as(world, person)
    assert await world[OwnFactors].enable_totp(person, code(world, new)) == ()
    world.clock.advance(STEP_SECONDS)
    asks = await asked(world, person.user)
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(asks.ticket, Proof(code(world, old)), HERE)
    await world[SignIn].open_by_ticket(asks.ticket, Proof(code(world, new)), HERE)


async def test_each_recovery_code_lets_in_once_until_there_are_new_ones(world: World) -> None:
    person, _ = await somebody(world)
    _, codes = await with_totp(world, person)
    asks = await asked(world, person.user)
    await world[SignIn].open_by_ticket(asks.ticket, Proof(recovery_code=codes[0]), HERE)
    assert len((await kept(world, person)).recovery) == CODES - 1
    fresh = await world[OwnFactors].renew_codes(await now_as(world, person))
    assert not set(fresh) & set(codes)
    asks = await asked(world, person.user)
    for wrong in (codes[0], codes[1]):
        with pytest.raises(Unauthenticated):
            await world[SignIn].open_by_ticket(asks.ticket, Proof(recovery_code=wrong), HERE)
    await world[SignIn].open_by_ticket(asks.ticket, Proof(recovery_code=fresh[9].upper()), HERE)


async def test_a_passkey_lets_in_where_its_ticket_asks_for_it(world: World) -> None:
    person, _ = await somebody(world)
    device = device_at(world)
    assert len(await with_passkey(world, person, device)) == CODES
    assert (await kept(world, person)).passkeys == 1

    asks, other = await asked(world, person.user), await asked(world, person.user)
    assert asks.methods == ("passkey", "recovery_code")
    assert asks.challenge is not None
    answer = device.show(dict(asks.challenge))
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(other.ticket, Proof(passkey=answer), HERE)
    opened = await world[SignIn].open_by_ticket(asks.ticket, Proof(passkey=answer), HERE)
    assert opened.session.had_second_factor
    (passkey,) = await world[OwnFactors].passkeys(person.user)
    assert (passkey.sign_count, passkey.last_used_at) == (1, int(world.clock.now()))
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(asks.ticket, Proof(passkey=answer), HERE)


async def test_a_passkey_is_made_once_for_its_ticket_and_its_user(world: World) -> None:
    person, _ = await somebody(world)
    other, _ = await somebody(world)
    device, own = device_at(world), world[OwnFactors]
    options, ticket = await own.begin_passkey(person.user)
    answer = device.make(options)
    with pytest.raises(InvalidRequest):
        await own.add_passkey(other, ticket, answer, "Key")
    wrong = device.make(options, origin="https://evil.test")
    with pytest.raises(InvalidRequest):
        await own.add_passkey(person, ticket, wrong, "Key")
    await own.add_passkey(person, ticket, answer, "Key")
    with pytest.raises(InvalidRequest):
        await own.add_passkey(person, ticket, answer, "Key")
    options, ticket = await own.begin_passkey(person.user)
    assert [one["id"] for one in options["excludeCredentials"]] == [answer["id"]]
    with pytest.raises(Conflict, match="known"):
        await own.add_passkey(person, ticket, device.make(options), "Key")
    assert (await kept(world, person)).passkeys == 1


async def test_there_are_at_most_so_many_passkeys(world: World) -> None:
    person, _ = await somebody(world)
    for number in range(MOST_PASSKEYS):
        codes = await with_passkey(world, person, device_at(world))
        assert bool(codes) is (number == 0)
    with pytest.raises(TooMany):
        await world[OwnFactors].begin_passkey(person.user)
    assert (await kept(world, person)).passkeys == MOST_PASSKEYS


async def test_with_the_last_factor_the_recovery_codes_go(world: World) -> None:
    person, _ = await somebody(world)
    await with_totp(world, person)
    device, own = device_at(world), world[OwnFactors]
    assert await with_passkey(world, person, device) == ()
    await own.disable_totp(await now_as(world, person))
    assert len((await kept(world, person)).recovery) == CODES
    with pytest.raises(NotFound):
        await own.disable_totp(await now_as(world, person))
    (passkey,) = await own.passkeys(person.user)
    await own.remove_passkey(person, passkey.id)
    with pytest.raises(NotFound):
        await own.remove_passkey(person, passkey.id)
    bare = await kept(world, person)
    assert (bare.recovery, bare.passkeys, bare.has_second_factor) == ((), 0, False)
    with pytest.raises(Conflict, match="set one up first"):
        await own.renew_codes(await now_as(world, person))
    await world[SignIn].open(person.user.email, PASSWORD, HERE)


async def test_passkeys_that_come_at_once_are_all_counted(world: World) -> None:
    person, _ = await somebody(world)
    devices = [device_at(world) for _ in range(3)]
    begun = [await world[OwnFactors].begin_passkey(person.user) for _ in devices]
    made = await asyncio.gather(
        *(
            world[OwnFactors].add_passkey(person, ticket, device.make(options), "Key")
            for device, (options, ticket) in zip(devices, begun, strict=True)
        ),
    )
    assert len(made) == (await kept(world, person)).passkeys == 3
    assert sum(bool(codes) for _, codes in made) == 1
    asks = await asked(world, person.user)
    assert asks.challenge is not None
    assert len(asks.challenge["allowCredentials"]) == 3


async def test_what_was_forgotten_is_confirmed_by_a_factor(world: World) -> None:
    person, _ = await somebody(world)
    device = device_at(world)
    await with_passkey(world, person, device)
    secret = (await world[OwnFactors].begin_totp(person.user)).text
    await world[OwnFactors].enable_totp(await now_as(world, person), code(world, secret))
    world.clock.advance(601)
    person = await now_as(world, person)
    with pytest.raises(ConfirmationNeeded) as needed:
        await world[Confirmations].require(person)
    assert needed.value.methods == ("password", "totp", "passkey")
    assert needed.value.challenge is not None
    answer = device.show(dict(needed.value.challenge))
    by_passkey = Shown(proof=Proof(passkey=answer), ticket=needed.value.ticket)
    session = await world[Confirmations].confirm(person, by_passkey, HERE)
    await world[Confirmations].require(replace(person, session=session))

    by_code = Shown(proof=Proof(code(world, secret)))
    await world[Confirmations].confirm(person, by_code, HERE)
    with pytest.raises(InvalidRequest):
        await world[Confirmations].confirm(person, by_code, HERE)
    with pytest.raises(InvalidRequest):
        await world[Confirmations].confirm(person, by_passkey, HERE)


async def test_nothing_secret_stands_in_the_log_or_in_the_user(world: World) -> None:
    person, _ = await somebody(world)
    secret, codes = await with_totp(world, person)
    entries = await world[Repository].all(AUDIT_ENTRIES, of_chain(None))
    told = repr([one for one in entries if one.object_id == person.user.id])
    assert "user.update" in told
    user = repr(await kept(world, person))
    for text in (secret, *codes, *(one.replace("-", "") for one in codes)):
        assert text not in told
        assert text not in user


@pytest.mark.parametrize(
    "proof",
    [
        Proof(),
        Proof(totp=""),
        Proof(recovery_code=""),
        Proof(passkey={}),
        Proof(passkey={"id": ["x"], "response": 7}),
    ],
)
async def test_what_proves_nothing_lets_nobody_in(world: World, proof: Proof) -> None:
    person, _ = await somebody(world)
    device = device_at(world)
    await with_passkey(world, person, device)
    said = json.dumps({"challenge": ""})
    ticket = await world[Tickets].give(TicketPurpose.SIGN_IN, person.user.id, said)
    with pytest.raises(Unauthenticated):
        await world[SignIn].open_by_ticket(ticket, proof, HERE)


async def test_an_operator_takes_all_factors_away(world: World) -> None:
    person, token = await somebody(world)
    await with_totp(world, person)
    await with_passkey(world, person, device_at(world))
    await world[Users].reset_factors(person.user.id)
    bare = await kept(world, person)
    assert (bare.has_second_factor, bare.recovery) == (False, ())
    assert await world[OwnFactors].passkeys(person.user) == []
    assert await world[Sessions].of(person.user.id) == []
    with pytest.raises(Unauthenticated):
        await world[FindSignedIn].by_token(token, HERE.address)
    await world[SignIn].open(person.user.email, PASSWORD, HERE)
