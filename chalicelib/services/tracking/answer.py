"""Answers to those who open tracked messages and follow tracked links (contract section 7).

A token is checked before anything is read or written; one of Postal, which holds no number, is looked for. A link leads
only where its sender's message led, so this is no open redirect. An image is answered whatever happens. Keeping a hit
may cost the reader 300 ms and no more; what fails, or takes longer, is in the log; `engagement_limit` says how many
hits of a message are kept. A suspended server's links still work: readers have done nothing wrong. Those of a server
that was removed lead nowhere.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import MailError, NotFound
from chalicelib.domain.ids import is_postal_token
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tracking.token import read_tracking_token
from chalicelib.domain.tracking.visit import (
    Request,
    Visit,
    Wanted,
    address_of,
    has_source,
    is_automatic,
    location_of,
    read_path,
    user_agent_of,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.imported_tokens import ImportedTokens
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tracking.engagement_limit import EngagementLimit

PATIENCE_SECONDS = 0.3
_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}
# One transparent pixel.
IMAGE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489"
    "0000000b4944415478da636000020000050001e9fadcd80000000049454e44ae426082"
)

logger = logging.getLogger("posthorn.track")


GREETING = b"Hello."
"""What is said at any other path, by which a track domain is known."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `notes` are for the log line of the request and name nobody."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    notes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Named:
    """What a token names: `link` is 0 for the image."""

    server: Server
    message: MessageId
    link: int


class Track:
    """Serves track domains."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        mac: AddressMac,
        engagement: Engagement,
        directory: Directory,
        imported: ImportedTokens,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._mac = mac
        self._engagement = engagement
        self._directory = directory
        self._imported = imported
        self._limit = EngagementLimit(engagement)
        self._writing: set[asyncio.Task[bool]] = set()

    async def answer(self, visit: Visit) -> Answer:
        """The answer to one visit. Raises nothing of the error tree."""
        request = read_path(visit.path)
        match request.wanted:
            case Wanted.IMAGE if has_source(visit.query):
                return _text(400, "Invalid/missing source image")
            case Wanted.IMAGE:
                return await self._open(request, visit)
            case Wanted.LINK:
                return await self._click(request, visit)
            case Wanted.UNKNOWN_SERVER:
                return _text(404, "Invalid Server Token")
            case _:
                return _text(200, GREETING.decode())

    async def _open(self, request: Request, visit: Visit) -> Answer:
        """The image, known or not; an open counts when the token is genuine."""
        notes: dict[str, Any] = {"asked": "image"}
        try:
            named = await self._named(request)
        except MailError as failure:
            _tell("open_unread", failure)
            named = None
        if named is not None and named.link == 0:
            await self._keep(named, self._hit(EngagementKind.OPEN, visit, named), notes)
        return Answer(200, IMAGE, {"Content-Type": "image/png", **_ALWAYS}, notes)

    async def _click(self, request: Request, visit: Visit) -> Answer:
        notes: dict[str, Any] = {"asked": "link"}
        try:
            named = await self._named(request)
            if named is None or named.link == 0:
                return _text(404, "Link not found", notes)
            url = await self._engagement.link(named.server.id, named.message, named.link)
        except NotFound:
            return _text(404, "Link not found", notes)
        except MailError as failure:
            _tell("click_unread", failure)
            return _text(503, "Try again later", notes, {"Retry-After": "5"})
        location = location_of(url)
        if location is None:
            return _text(404, "Link not found", notes)
        await self._keep(named, self._hit(EngagementKind.CLICK, visit, named, url), notes)
        return _text(307, f"Redirected to: {location}", notes, {"Location": location})

    async def _named(self, request: Request) -> _Named | None:
        """What a token names; None when it is forged, or its server is gone."""
        key = await self._mac.key()
        numbers = read_tracking_token(request.token, request.server_token, key)
        try:
            if numbers is None:
                return await self._named_elsewhere(request)
            server = await self._directory.server(ServerId(numbers[0]))
        except NotFound:
            return None
        return _Named(server, MessageId(numbers[1]), numbers[2])

    async def _named_elsewhere(self, request: Request) -> _Named | None:
        """What a token names that came with an installation that was moved in; NotFound or None for any other."""
        if not is_postal_token(request.token):
            return None
        server = await self._directory.server_by_old_token(request.server_token)
        if server is None:
            return None
        found = await self._imported.get(server.id, request.token, self._clock.now())
        return _Named(server, found.message, found.link)

    def _hit(
        self, kind: EngagementKind, visit: Visit, named: _Named, url: str = ""
    ) -> EngagementEvent:
        """What is kept of a visit: who it was only where the server may know."""
        is_private = named.server.privacy_mode
        return EngagementEvent(
            kind=kind,
            at=self._clock.now(),
            address="" if is_private else address_of(visit, self._settings.behind_cloudfront),
            user_agent="" if is_private else user_agent_of(visit),
            url=url,
            automatic=is_automatic(visit),
        )

    async def _keep(self, named: _Named, hit: EngagementEvent, notes: dict[str, Any]) -> None:
        """Store a hit, and wait for it for 300 ms at most."""
        server, message = named.server.id, named.message
        notes |= {"server_id": server, "message_id": message, "automatic": hit.automatic}
        notes["kept"] = await self._soon(self._store(server, message, hit))

    async def _store(self, server: ServerId, message: MessageId, hit: EngagementEvent) -> bool:
        """Whether the hit is kept: not when its message has had so many that no person makes them."""
        if not await self._limit.has_room(server, message, hit):
            return False
        keep_until = int(hit.at) + self._settings.tracking_days * DAY
        await self._engagement.record(server, message, hit, keep_until)
        return True

    async def _soon(self, work: Coroutine[Any, Any, bool]) -> bool:
        """What the work says, False when it is not done in time. What is late goes on: it may still succeed."""
        task = asyncio.ensure_future(work)
        self._writing.add(task)
        task.add_done_callback(self._done)
        done, _ = await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
        if not done:
            logger.warning("hit_late", extra={"fields": {"outcome": "hit_late"}})
        return bool(done) and not task.cancelled() and task.exception() is None and task.result()

    def _done(self, task: asyncio.Task[bool]) -> None:
        self._writing.discard(task)
        if not task.cancelled() and isinstance(failure := task.exception(), MailError):
            _tell("hit_lost", failure)


def _tell(what: str, failure: MailError) -> None:
    fields = {**failure.fields, "outcome": what, "code": failure.code}
    logger.warning(what, extra={"fields": fields})


def _text(
    status: int,
    text: str,
    notes: Mapping[str, Any] | None = None,
    more: Mapping[str, str] | None = None,
) -> Answer:
    """Plain text that no browser takes for a page."""
    return Answer(status, text.encode(), {**_TEXT, **_ALWAYS, **(more or {})}, notes or {})
