"""Second factors: which a user has, and whether what was shown is one (api.md 2.3).

A code of an app works once, and so does a recovery code; a passkey signs the challenge of one ticket. Of two who show
the same at once, one is right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.people import recovery_codes, totp
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.passkeys import PASSKEYS, Passkey
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.people.web_authn import (
    CHALLENGE_BYTES,
    bytes_of,
    chosen,
    options_to_show,
    site_of,
    text_of,
)
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.passkeys import PasskeyCheck
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault


@dataclass(frozen=True, slots=True)
class Proof:
    """What somebody shows: one of a code of an app, a recovery code, or what a passkey signed."""

    totp: str | None = None
    recovery_code: str | None = None
    passkey: Mapping[str, Any] | None = None

    @property
    def field(self) -> str:
        """The name of what is shown."""
        named = ("totp", "recovery_code", "passkey")
        return next((one for one in named if getattr(self, one) is not None), "")


class _Used(Conflict):
    """Somebody else has used it meanwhile."""


class Factors:
    """The second factors of users."""

    def __init__(
        self,
        repository: Repository,
        vault: KeyVault,
        check: PasskeyCheck,
        clock: Clock,
        rand: Rand,
        settings: Settings,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._check = check
        self._clock = clock
        self._rand = rand
        self._site = site_of(settings.web_hostname, settings.public_url)

    def methods(self, user: User) -> tuple[str, ...]:
        """What a user can show at sign-in."""
        has = {
            "totp": user.sealed_totp is not None,
            "passkey": user.passkeys > 0,
            "recovery_code": bool(user.recovery),
        }
        return tuple(name for name, there in has.items() if there)

    async def begin(self, user: User) -> tuple[Mapping[str, Any] | None, dict[str, Any]]:
        """What a browser is asked to have a passkey sign, None without one; and what is to be remembered of it until
        the answer."""
        if not user.passkeys:
            return None, {}
        challenge = self._rand.bytes(CHALLENGE_BYTES)
        present = await self._passkeys(user)
        return options_to_show(self._site, challenge, present), {"challenge": text_of(challenge)}

    async def is_right(self, user: User, proof: Proof, remembered: Mapping[str, Any]) -> bool:
        """Whether the user can show this; whatever works once is used up."""
        try:
            if proof.totp is not None:
                return await self._takes_code(user, proof.totp)
            if proof.recovery_code is not None:
                return await self._takes_recovery_code(user, proof.recovery_code)
            if proof.passkey is not None:
                return await self._takes_passkey(user, proof.passkey, remembered)
        except (NotFound, _Used):
            return False
        return False

    async def _takes_code(self, user: User, code: str) -> bool:
        if user.sealed_totp is None:
            return False
        seed = await self._vault.open(user.sealed_totp, user.context)
        step = totp.step_of(seed, code, self._clock.now(), user.totp_step)
        if step is None:
            return False

        def used(one: User) -> User:
            if one.sealed_totp != user.sealed_totp or one.totp_step >= step:
                raise _Used("This code was used")
            return replace(one, totp_step=step)

        with acting(None):
            await self._repository.modify(USERS, user_place(user.id), used)
        return True

    async def _takes_recovery_code(self, user: User, code: str) -> bool:
        left = await asyncio.to_thread(recovery_codes.without, user.recovery, code)
        if left is None:
            return False
        gone = set(user.recovery) - set(left)

        def used(one: User) -> User:
            if not gone <= set(one.recovery):
                raise _Used("This code was used")
            return replace(one, recovery=tuple(kept for kept in one.recovery if kept not in gone))

        await self._repository.modify(USERS, user_place(user.id), used)
        return True

    async def _takes_passkey(
        self, user: User, credential: Mapping[str, Any], remembered: Mapping[str, Any]
    ) -> bool:
        challenge = bytes_of(str(remembered.get("challenge", "")))
        passkey = chosen(credential, await self._passkeys(user))
        if not challenge or passkey is None:
            return False
        count = self._check.shown(credential, challenge, self._site, passkey)
        if count is None:
            return False
        now = int(self._clock.now())

        def used(one: Passkey) -> Passkey:
            if count and one.sign_count >= count:
                raise _Used("This passkey counts less than before")
            return replace(one, sign_count=count, last_used_at=now)

        with acting(None):
            await self._repository.modify(PASSKEYS, PASSKEYS.place(passkey), used)
        return True

    async def _passkeys(self, user: User) -> list[Passkey]:
        return await self._repository.all(PASSKEYS, of_user(user.id))
