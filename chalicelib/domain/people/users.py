"""People who sign in. Of what proves them nothing is kept that could be shown: digests, or sealed bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from chalicelib.domain.people.owners import ALL_USERS, of_email, of_subject, of_user
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place


class Theme(Enum):
    """Which colours the pages have."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class User:
    """A person, by an address in lower case that is unique in the installation. `admin`: operates the installation.

    password: a digest with its scheme and parameters (`domain.people.passwords`), empty for none.
    sealed_totp: the seed of codes, sealed; `totp_step` is the last step of time whose code was used.
    sealed_new_totp: a seed that was shown and is not yet in use.
    recovery: digests of the recovery codes that are left.
    passkeys: how many there are; whoever adds or removes one changes this in the same transaction.
    oidc_issuer, oidc_subject: whom a provider says it is, empty for none.
    """

    id: str
    email: str
    created_at: int
    first_name: str = ""
    last_name: str = ""
    time_zone: str = "UTC"
    admin: bool = False
    password: str = ""
    sealed_totp: bytes | None = None
    totp_step: int = 0
    sealed_new_totp: bytes | None = None
    recovery: tuple[str, ...] = ()
    passkeys: int = 0
    oidc_issuer: str = ""
    oidc_subject: str = ""
    theme: Theme = Theme.SYSTEM
    shortcuts: bool = True
    newest_first: bool = True
    first_steps: bool = True
    last_seen_at: int | None = None

    @property
    def name(self) -> str:
        """What people call them: their names, or else their address."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or self.email

    @property
    def context(self) -> dict[str, str]:
        """What the seeds are sealed under."""
        return {"item": "totp", "user": self.id}

    @property
    def has_second_factor(self) -> bool:
        """Whether something else than the password is asked for at sign-in."""
        return self.sealed_totp is not None or self.passkeys > 0


def user_place(user: str) -> Place:
    """Where the user of an id is."""
    return Place(of_user(user))


def _by_subject(user: User) -> Place | None:
    return Place(of_subject(user.oidc_issuer, user.oidc_subject)) if user.oidc_issuer else None


BY_EMAIL: LookUp[User] = LookUp("U", lambda one: Place(of_email(one.email)), points_to="US")
BY_SUBJECT: LookUp[User] = LookUp("U", _by_subject, points_to="US")
_LISTED: LookUp[User] = LookUp("U", lambda one: Place(ALL_USERS, one.id), points_to="US")
USERS = Entity(
    User,
    "user",
    place=lambda one: user_place(one.id),
    look_ups=(BY_EMAIL, BY_SUBJECT, _LISTED),
    listed=_LISTED,
    filters=("admin",),
    texts=("email", "first_name", "last_name"),
    sealed=("sealed_totp", "sealed_new_totp"),
    audited="user",
)
