"""Whose session a token is of: always as it is at this moment, so that what was ended lets nobody in.

A use is noted at most once in ten minutes, and moves the end of the session.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from chalicelib.domain.errors import MailError, NotFound, Unauthenticated
from chalicelib.domain.ids import key_digest
from chalicelib.domain.people.members import MEMBERS, MEMBERSHIPS, Member
from chalicelib.domain.people.owners import of_session, of_user
from chalicelib.domain.people.sessions import SESSIONS, Session, csrf_token
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.domain.people.users import USERS, User, user_place
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

LOG = logging.getLogger("posthorn.sessions")
LONGEST_TOKEN = 128
USE_SECONDS = 600
NOT_SIGNED_IN = "You are not signed in, or your session has ended"


class FindSignedIn:
    """Finds people by the tokens of their sessions."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def by_token(self, token: str, address: str) -> SignedIn:
        """Who has the session of this token, and uses it from this address. Unauthenticated."""
        if not token or len(token) > LONGEST_TOKEN:
            raise Unauthenticated(NOT_SIGNED_IN)
        now = int(self._clock.now())
        try:
            place = Place(of_session(key_digest(token)))
            session = await self._repository.get(SESSIONS, place)
            if session.expires_at <= now:
                raise Unauthenticated(NOT_SIGNED_IN)
            user, members = await self._read(session.user_id)
        except NotFound as missing:
            raise Unauthenticated(NOT_SIGNED_IN) from missing
        session = await self._noted(session, user, now, address)
        return SignedIn(user, session, tuple(members), csrf_token(token))

    async def _read(self, user: str) -> tuple[User, list[Member]]:
        found = await asyncio.gather(
            self._repository.get(USERS, user_place(user)),
            self._repository.all(MEMBERS, of_user(user), MEMBERSHIPS),
        )
        return found

    async def _noted(self, session: Session, user: User, now: int, address: str) -> Session:
        """The session with this use of it, if the last one noted is long ago. Never fails."""
        if now - session.last_seen_at < USE_SECONDS:
            return session

        def used(one: Session) -> Session:
            end = one.end_after(now)
            return replace(one, last_seen_at=now, expires_at=end, address=address or one.address)

        try:
            with acting(None):
                noted = await self._repository.modify(SESSIONS, SESSIONS.place(session), used)
                await self._repository.note(USERS, user, last_seen_at=now)
        except MailError as failure:
            LOG.warning("use of a session not noted: %s", failure.public)
            return session
        return noted
