"""Keeps SMTP sessions open between messages, and counts them so that no server gets too many at
once.

One `Site` is one way to one place: source, address, port and EHLO name. Idle
sessions are closed by one timer, which is set only while there are some. A kept session may be dead all the
same; whoever takes one must be ready for that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from chalicelib.adapters.network.smtp_session import SmtpSession
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.waits import TOO_MANY_CONNECTIONS

SiteKey = tuple[str, str, int, str]


@dataclass(slots=True)
class _Idle:
    session: SmtpSession
    until: float


@dataclass(slots=True)
class _Site:
    open: int = 0
    idle: list[_Idle] = field(default_factory=list)
    waiting: deque[asyncio.Future[SmtpSession | None]] = field(default_factory=deque)


class SessionPool:
    """Sessions by site: at most `limit` at a time to one, each for at most `uses` messages, idle
    for `seconds`."""

    def __init__(self, limit: int, uses: int, seconds: float) -> None:
        self._limit = limit
        self._uses = uses
        self._seconds = seconds
        self._sites: dict[SiteKey, _Site] = {}
        self._reaper: asyncio.TimerHandle | None = None

    async def take(self, key: SiteKey, seconds: float) -> SmtpSession | None:
        """A kept session, or None: the caller may open one, and owes a `give` or a `drop`.
        TemporaryFailure when all places stay taken for `seconds`."""
        site = self._sites.setdefault(key, _Site())
        while site.idle:
            kept = site.idle.pop()
            if kept.session.is_reusable:
                return kept.session
            kept.session.quit()
            site.open -= 1
        if site.open < self._limit:
            site.open += 1
            return None
        return await self._wait(key, site, seconds)

    def give(self, key: SiteKey, session: SmtpSession) -> None:
        """Give a session back, for the next who wants it or to keep for a while."""
        if not session.is_reusable or session.uses >= self._uses:
            self.end(key, session)
            return
        site = self._sites[key]
        if self._pass_on(site, session):
            return
        until = asyncio.get_running_loop().time() + self._seconds
        site.idle.append(_Idle(session, until))
        if self._reaper is None:
            self._reap_at(until)

    def end(self, key: SiteKey, session: SmtpSession) -> None:
        """Close a session and give back its place."""
        session.quit()
        self.drop(key)

    def drop(self, key: SiteKey) -> None:
        """Give back the place of a session that is no more, or was never opened."""
        site = self._sites[key]
        if self._pass_on(site, None):
            return
        site.open -= 1
        if site.open == 0:
            del self._sites[key]

    def forget(self, key: SiteKey) -> None:
        """Close the idle sessions of a site: one of them was found dead."""
        site = self._sites.get(key)
        for kept in site.idle if site is not None else []:
            self.end(key, kept.session)
        if site is not None:
            site.idle.clear()

    async def close(self) -> None:
        """Close all idle sessions."""
        kept = [one.session for site in self._sites.values() for one in site.idle]
        for key in list(self._sites):
            self.forget(key)
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        for session in kept:
            await session.connection.wait_closed(2)

    async def _wait(self, key: SiteKey, site: _Site, seconds: float) -> SmtpSession | None:
        place: asyncio.Future[SmtpSession | None] = asyncio.get_running_loop().create_future()
        site.waiting.append(place)
        arrived = False
        try:
            await asyncio.wait({place}, timeout=seconds)
            arrived = place.done()
        finally:
            if not arrived:
                self._withdraw(key, site, place)
        if not arrived:
            raise TemporaryFailure(TOO_MANY_CONNECTIONS)
        return place.result()

    def _withdraw(
        self, key: SiteKey, site: _Site, place: asyncio.Future[SmtpSession | None]
    ) -> None:
        """Stop waiting; what was handed over in the same moment goes back."""
        if not place.done():
            place.cancel()
            site.waiting.remove(place)
        elif (session := place.result()) is not None:
            self.give(key, session)
        else:
            self.drop(key)

    def _pass_on(self, site: _Site, session: SmtpSession | None) -> bool:
        while site.waiting:
            place = site.waiting.popleft()
            if not place.done():
                place.set_result(session)
                return True
        return False

    def _reap_at(self, moment: float) -> None:
        self._reaper = asyncio.get_running_loop().call_at(moment, self._reap)

    def _reap(self) -> None:
        """Close what has been idle for too long, and come back when the next will have been."""
        self._reaper = None
        now = asyncio.get_running_loop().time()
        for key, site in list(self._sites.items()):
            old = [one for one in site.idle if one.until <= now]
            site.idle = [one for one in site.idle if one.until > now]
            for one in old:
                self.end(key, one.session)
        left = [one.until for site in self._sites.values() for one in site.idle]
        if left:
            self._reap_at(min(left))
