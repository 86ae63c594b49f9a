"""Sessions: opened at sign-in, listed, confirmed and ended (api.md 2.3).

A session that was ended lets nobody in from that moment on, in any process: who asks by it is always read freshly.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import key_digest, random_alphanumerics, random_letters
from chalicelib.domain.people.owners import of_user
from chalicelib.domain.people.sessions import OF_USER, SESSIONS, Session
from chalicelib.domain.people.users import USERS, User
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository

TOKEN_LENGTH = 43
ID_LETTERS = 12
MOST_SESSIONS = 50
LONGEST_AGENT = 200


@dataclass(frozen=True, slots=True)
class Browser:
    """Where somebody signs in."""

    address: str = ""
    user_agent: str = ""
    request_id: str = ""


class Sessions:
    """The sessions of users."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def open(
        self,
        user: User,
        browser: Browser,
        *,
        remember: bool = False,
        second_factor: bool = False,
        by_provider: bool = False,
    ) -> tuple[Session, str]:
        """A new session of a user who has just shown who they are, and the token for the cookie. It is entered in the
        log; the oldest end of those that a user has beyond MOST_SESSIONS."""
        token = random_alphanumerics(self._rand.bytes(64), TOKEN_LENGTH)
        now = int(self._clock.now())
        bare = Session(
            digest=key_digest(token),
            id=random_letters(self._rand.bytes(32), ID_LETTERS),
            user_id=user.id,
            created_at=now,
            last_seen_at=now,
            expires_at=now,
            confirmed_at=now,
            remember=remember,
            had_second_factor=second_factor or by_provider,
            by_provider=by_provider,
            address=browser.address,
            user_agent="".join(filter(str.isprintable, browser.user_agent))[:LONGEST_AGENT],
        )
        session = replace(bare, expires_at=bare.end_after(now))
        who = Acting(Actor("user", user.email, user.id), browser.address, browser.request_id)
        with acting(who):
            await self._repository.add(SESSIONS, session)
        with acting(None):
            await self._repository.note(USERS, user, last_seen_at=now)
        others = [one for one in await self.of(user.id) if one.id != session.id]
        await self._end(others[MOST_SESSIONS - 1 :])
        return session, token

    async def of(self, user: str) -> Sequence[Session]:
        """Those of a user that have not ended, the newest first."""
        now = self._clock.now()
        found = await self._repository.all(SESSIONS, of_user(user), OF_USER)
        going_on = (one for one in found if now < one.expires_at)
        return sorted(going_on, key=lambda one: (one.created_at, one.id), reverse=True)

    async def confirm(self, session: Session, *, second_factor: bool = False) -> Session:
        """Note that its user has shown once more who they are."""
        now = int(self._clock.now())

        def confirmed(one: Session) -> Session:
            had = one.had_second_factor or second_factor
            return replace(one, confirmed_at=now, had_second_factor=had)

        with acting(None):
            return await self._repository.modify(SESSIONS, SESSIONS.place(session), confirmed)

    async def end(self, user: str, session: str) -> None:
        """End one of a user's sessions by its id; NotFound."""
        place = Place(of_user(user), session)
        found = await self._repository.find(SESSIONS, OF_USER, place)
        await self._repository.remove(SESSIONS, found)

    async def end_all(self, user: str, but: Session | None = None) -> None:
        """End all of a user's sessions, but for one."""
        found = await self._repository.all(SESSIONS, of_user(user), OF_USER)
        await self._end([one for one in found if but is None or one.digest != but.digest])

    async def _end(self, sessions: Sequence[Session]) -> None:
        with acting(None):  # what they are ended by says it
            for session in sessions:
                with suppress(NotFound):
                    await self._repository.remove(SESSIONS, session)
