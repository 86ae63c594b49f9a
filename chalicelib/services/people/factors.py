"""Second factors: which a user has, and whether what was shown is one (api.md 2.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.people.users import User


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


class Factors:
    """The second factors of users."""

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
        return None, {}

    async def is_right(self, user: User, proof: Proof, remembered: Mapping[str, Any]) -> bool:
        """Whether the user can show this; whatever works once is used up."""
        return False
