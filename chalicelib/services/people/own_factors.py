"""Second factors set up and taken away by their owner (api.md 2.3).

The first that is set up brings ten recovery codes, which are shown once; with the last one they go. Whatever changes
here ends the owner's other sessions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound, Outdated, TooMany, wrong_field
from chalicelib.domain.ids import random_letters
from chalicelib.domain.people import recovery_codes, totp
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.passkeys import MOST_PASSKEYS, PASSKEYS, Passkey
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.tickets import TicketPurpose
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.people.web_authn import (
    CHALLENGE_BYTES,
    NewPasskey,
    bytes_of,
    options_to_make,
    site_of,
    text_of,
)
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.passkeys import PasskeyCheck
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.people.tickets import Tickets
from chalicelib.services.people.users import Users

ISSUER = "Posthorn"
ID_LETTERS = 12
MOST_TRIES = 5
WRONG_CODE = "This is not the code that the app shows now"
NOT_BEGUN = "Ask for a secret first"
NO_FACTOR = "Recovery codes stand in for another second factor: set one up first"
NOT_MADE = "The passkey was not made for this request, or not here: begin again"
KNOWN = "This passkey is known already"
_TRANSPORTS = frozenset({"usb", "nfc", "ble", "smart-card", "hybrid", "internal"})

Codes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Secret:
    """A seed that is not yet in use, as people and apps read it."""

    text: str
    uri: str


class OwnFactors:
    """Sets them up and takes them away."""

    def __init__(
        self,
        repository: Repository,
        vault: KeyVault,
        users: Users,
        tickets: Tickets,
        check: PasskeyCheck,
        clock: Clock,
        rand: Rand,
        settings: Settings,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._users = users
        self._tickets = tickets
        self._check = check
        self._clock = clock
        self._rand = rand
        self._host = settings.web_hostname
        self._site = site_of(settings.web_hostname, settings.public_url)

    async def begin_totp(self, user: User) -> Secret:
        """A new seed, in use once a code of it was shown; one that was in use stays so until then."""
        seed = self._rand.bytes(totp.SEED_BYTES)
        sealed = await self._vault.seal(seed, user.context)
        with acting(None):
            await self._users.change(user.id, sealed_new_totp=sealed)
        uri = totp.enrolment_uri(seed, user.email, f"{ISSUER} {self._host}")
        return Secret(totp.seed_text(seed), uri)

    async def enable_totp(self, person: SignedIn, code: str) -> Codes:
        """Use the new seed from now on; recovery codes where this is the first factor. InvalidRequest at `code`,
        Conflict where none was asked for."""
        user = person.user
        sealed = user.sealed_new_totp
        if sealed is None:
            raise Conflict(NOT_BEGUN)
        seed = await self._vault.open(sealed, user.context)
        step = totp.step_of(seed, code, self._clock.now(), 0)
        if step is None:
            raise wrong_field("code", WRONG_CODE, "wrong")
        codes, kept = await self._first_codes(user)

        def enabled(one: User) -> User:
            if one.sealed_new_totp != sealed:
                raise Conflict(NOT_BEGUN)
            first = not one.has_second_factor
            return replace(
                one,
                sealed_totp=sealed,
                sealed_new_totp=None,
                totp_step=step,
                recovery=kept if first else one.recovery,
            )

        done = await self._users.modify(user.id, enabled, person.session)
        return codes if done.recovery == kept else ()

    async def disable_totp(self, person: SignedIn) -> None:
        """Let no app's codes in any more. NotFound where none does."""
        if person.user.sealed_totp is None:
            raise NotFound("No app makes codes for you")
        await self._users.modify(
            person.user.id,
            lambda one: _without_codes(replace(one, sealed_totp=None, sealed_new_totp=None)),
            person.session,
        )

    async def renew_codes(self, person: SignedIn) -> Codes:
        """Ten new recovery codes; those from before work no more. Conflict without another factor."""
        if not person.user.has_second_factor:
            raise Conflict(NO_FACTOR)
        codes, kept = await self._new_codes()
        await self._users.change(person.user.id, person.session, recovery=kept)
        await self._users.end_everything(person.user.id, person.session)
        return codes

    async def passkeys(self, user: User) -> list[Passkey]:
        """Those of a user, the oldest first."""
        found = await self._repository.all(PASSKEYS, of_user(user.id))
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def begin_passkey(self, user: User) -> tuple[dict[str, Any], str]:
        """What a browser is asked to make, and the ticket with which the answer comes. TooMany."""
        present = await self.passkeys(user)
        if len(present) >= MOST_PASSKEYS:
            raise TooMany(f"A user has at most {MOST_PASSKEYS} passkeys")
        challenge = self._rand.bytes(CHALLENGE_BYTES)
        said = json.dumps({"challenge": text_of(challenge)})
        ticket = await self._tickets.give(TicketPurpose.PASSKEY, user.id, said)
        return options_to_make(self._site, ISSUER, user, challenge, present), ticket

    async def add_passkey(
        self, person: SignedIn, token: str, credential: Mapping[str, Any], name: str
    ) -> tuple[Passkey, Codes]:
        """The passkey that was made; recovery codes where it is the first factor. InvalidRequest at `credential`,
        Conflict, TooMany."""
        made = await self._made(person.user, token, credential)
        if made is None:
            raise wrong_field("credential", NOT_MADE, "wrong")
        present = await self.passkeys(person.user)
        if any(one.credential == made.credential for one in present):
            raise Conflict(KNOWN)
        if len(present) >= MOST_PASSKEYS:
            raise TooMany(f"A user has at most {MOST_PASSKEYS} passkeys")
        passkey = Passkey(
            person.user.id,
            "pk" + random_letters(self._rand.bytes(32), ID_LETTERS),
            name,
            made.credential,
            made.public_key,
            int(self._clock.now()),
            made.sign_count,
            _transports(credential),
        )
        codes, kept = await self._first_codes(person.user)
        done = await self._counted(person, passkey, Verb.ADD, kept)
        return passkey, codes if done.recovery == kept else ()

    async def remove_passkey(self, person: SignedIn, passkey: str) -> None:
        """Let it in no more; NotFound."""
        place = Place(of_user(person.user.id), passkey)
        found = await self._repository.get(PASSKEYS, place)
        await self._counted(person, found, Verb.REMOVE, ())

    async def _made(
        self, user: User, token: str, credential: Mapping[str, Any]
    ) -> NewPasskey | None:
        try:
            ticket = await self._tickets.take(token, TicketPurpose.PASSKEY)
        except NotFound:
            return None
        challenge = bytes_of(json.loads(ticket.said)["challenge"])
        if ticket.user_id != user.id or challenge is None:
            return None
        made = self._check.made(credential, challenge, self._site)
        if made is not None:
            try:
                await self._tickets.end(ticket)
            except NotFound:
                return None
        return made

    async def _counted(self, person: SignedIn, passkey: Passkey, verb: Verb, kept: Codes) -> User:
        """Add or remove a passkey, and count it with its user at once."""
        more = 1 if verb is Verb.ADD else -1
        for _ in range(MOST_TRIES):
            user = await self._users.get(person.user.id)
            after = replace(user, passkeys=max(0, user.passkeys + more))
            if verb is Verb.ADD and not user.has_second_factor:
                after = replace(after, recovery=kept)
            after = _without_codes(after)
            changed = Change(Verb.REPLACE, USERS, after, user)
            try:
                await self._repository.change(Change(verb, PASSKEYS, passkey), changed)
            except Outdated:
                continue
            await self._users.end_everything(user.id, person.session)
            return after
        raise Outdated("Another change came between; try again")

    async def _first_codes(self, user: User) -> tuple[Codes, Codes]:
        """Codes for somebody's first factor, and what is kept of them; none for another."""
        return ((), ()) if user.has_second_factor else await self._new_codes()

    async def _new_codes(self) -> tuple[Codes, Codes]:
        codes = recovery_codes.new_codes(self._rand.bytes(recovery_codes.RANDOM_BYTES))
        salt = self._rand.bytes(recovery_codes.SALT_BYTES)
        return codes, await asyncio.to_thread(recovery_codes.digests_of, codes, salt)


def _without_codes(user: User) -> User:
    """The user, without recovery codes where there is nothing that they stand in for."""
    return user if user.has_second_factor else replace(user, recovery=())


def _transports(credential: Mapping[str, Any]) -> Codes:
    """By what a browser says that the authenticator is reached."""
    response = credential.get("response")
    named = response.get("transports") if isinstance(response, Mapping) else None
    known = (
        [str(one) for one in named if str(one) in _TRANSPORTS] if isinstance(named, list) else []
    )
    return tuple(dict.fromkeys(known))
