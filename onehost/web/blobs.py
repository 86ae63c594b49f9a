"""What the blob store of one host gives addresses for: bodies to fetch, uploads to bring.

A body comes as a file of type message/rfc822 that no browser shows, an upload as one of no type. An upload is kept once
all of it is durable, and only with exactly as many bytes as its ticket says.
"""

from __future__ import annotations

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

from chalicelib.adapters.sqlite.blobs import SegmentBlobStore
from chalicelib.adapters.sqlite.links import BODIES, UPLOADS, SignedLinks, Ticket
from chalicelib.adapters.sqlite.uploads import UPLOADS as KEYS
from chalicelib.adapters.sqlite.uploads import Uploads
from chalicelib.api.http import HttpAnswer
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import MailError, NotFound, Refused
from chalicelib.domain.file_link import disposition
from chalicelib.ports.clock import Clock
from functions.runtime import UnitOfWork
from onehost.web.answers import Streamed, text, turned_away
from onehost.web.requests import Body, ClientGone, Head, Refusal

LOG = logging.getLogger("posthorn.web")
_MESSAGE = {
    "Content-Type": "message/rfc822",
    "Content-Disposition": 'attachment; filename="message.eml"',
}
_UPLOAD = {"Content-Type": "application/octet-stream", "Content-Disposition": "attachment"}
_FILE = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class WebBlobs:
    """Serves the addresses of a program's blob store."""

    def __init__(self, program: Posthorn) -> None:
        self._program = program

    def has(self, head: Head) -> bool:
        """Whether a request can be for one of these addresses."""
        if head.method == "PUT":
            # What has one part is a link to unsubscribe.
            return head.path.startswith(UPLOADS) and "/" in head.path[len(UPLOADS) :]
        return head.method in {"GET", "HEAD"} and head.path.startswith(BODIES)

    async def answer(self, head: Head, body: Body) -> HttpAnswer | Streamed:
        """The answer; one log line."""
        notes: dict[str, Any] = {"status": 500}
        answer: HttpAnswer | Streamed = text(500, "Try again later")
        unit = "web.upload" if head.method == "PUT" else "web.body"
        with UnitOfWork(unit, head.request_id, notes, swallow=True, program=self._program):
            try:
                answer = await (self._bring if head.method == "PUT" else self._fetch)(head, body)
            except ClientGone:
                answer = text(400, "The file ended early")
            except Refusal as refusal:
                answer = turned_away(refusal, head.request_id)
            except NotFound as missing:
                answer = text(404, missing.public)
            except Refused as refused:
                answer = text(403, refused.public)
            except OSError as error:
                if error.errno not in _FULL:
                    raise
                answer = text(507, "There is no room for this file")
            notes["status"] = answer.status
        return answer

    async def _fetch(self, head: Head, body: Body) -> Streamed:
        links = self._program[SignedLinks]
        ref = links.read_link(head.path, self._program[Clock].now())
        pieces = self._program[SegmentBlobStore].pieces(ref)
        first = await asyncio.to_thread(next, pieces, b"")
        kind = _UPLOAD if ref.key.startswith(KEYS) else _MESSAGE
        if name := links.read_name(head.path):
            kind = kind | {"Content-Disposition": disposition(name)}
        return Streamed(kind | _FILE, ref.length, _streamed(first, pieces, head.method == "HEAD"))

    async def _bring(self, head: Head, body: Body) -> HttpAnswer:
        ticket = self._program[SignedLinks].read_ticket(head.path, self._program[Clock].now())
        if head.size is None:
            return text(411, "The length must be said beforehand")
        if head.size != ticket.size:
            status = 413 if head.size > ticket.size else 400
            return text(status, f"The file must have {ticket.size} bytes, as was said")
        await self._keep(ticket, body)
        return text(200, "")

    async def _keep(self, ticket: Ticket, body: Body) -> None:
        upload = await asyncio.to_thread(self._program[Uploads].begin, ticket.key)
        try:
            async for piece in body.pieces():
                await asyncio.to_thread(upload.write, piece)
            await asyncio.to_thread(upload.keep, ticket.at)
        except BaseException:
            upload.drop()
            raise


async def _streamed(first: bytes, pieces: Iterator[bytes], is_head: bool) -> AsyncIterator[bytes]:
    """The pieces, each read in a thread. MailError in place of what is not as it was written."""
    while first and not is_head:
        yield first
        try:
            first = await asyncio.to_thread(next, pieces, b"")
        except MailError as broken:
            LOG.warning("body_broken", extra={"fields": {"outcome": broken.code}})
            raise
