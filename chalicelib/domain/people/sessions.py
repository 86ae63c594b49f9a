"""Sessions of people who have signed in; of the token in the cookie only the digest is kept."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from chalicelib.domain.people.owners import ENDS_OF_SESSIONS, ending, of_session, of_user
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place

DAY = 86_400
UNUSED_SECONDS = 14 * DAY
REMEMBERED_SECONDS = 60 * DAY
LONGEST_SECONDS = 90 * DAY
CONFIRMED_SECONDS = 600
"""For how long a sign-in or a confirmation counts."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has signed in with one browser. `had_second_factor`: another factor than the password was shown, or
    a provider vouched for them (`by_provider`). `expires_at` moves with use."""

    digest: str
    id: str
    user_id: str
    created_at: int
    last_seen_at: int
    expires_at: int
    confirmed_at: int
    remember: bool = False
    had_second_factor: bool = False
    by_provider: bool = False
    address: str = ""
    user_agent: str = ""

    def end_after(self, seen: int) -> int:
        """When it ends if it is used at this moment for the last time."""
        unused = REMEMBERED_SECONDS if self.remember else UNUSED_SECONDS
        return min(seen + unused, self.created_at + LONGEST_SECONDS)

    def is_confirmed(self, now: float) -> bool:
        """Whether they have just shown who they are."""
        return now < self.confirmed_at + CONFIRMED_SECONDS


def csrf_token(token: str) -> str:
    """What requests that change something must carry besides the cookie with this token; it tells nothing of it."""
    return hashlib.sha256(f"posthorn csrf {token}".encode()).hexdigest()[:40]


OF_USER: LookUp[Session] = LookUp(
    "SN", lambda one: Place(of_user(one.user_id), one.id), points_to="SN"
)
BY_END_OF_SESSION: LookUp[Session] = LookUp(
    "SN",
    lambda one: Place(ENDS_OF_SESSIONS, ending(one.expires_at, one.digest)),
    points_to="SN",
)
SESSIONS = Entity(
    Session,
    "session",
    place=lambda one: Place(of_session(one.digest)),
    look_ups=(OF_USER, BY_END_OF_SESSION),
    listed=OF_USER,
    audited="session",
)
