"""Message bytes in segments, uploads in files of their own, and the addresses at which clients reach both."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.contents import count_stored
from chalicelib.adapters.sqlite.links import UPLOAD_SECONDS, SignedLinks
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.segments import PIECE, Segments
from chalicelib.adapters.sqlite.uploads import UPLOADS, Upload, Uploads
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import FILE_KEPT_SECONDS, UPLOAD_KEPT_SECONDS, BlobStore, UploadTicket
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand

if TYPE_CHECKING:
    import apsw

_ID = re.compile(r"[0-9a-f]{32}")
_LATER = FILE_KEPT_SECONDS - UPLOAD_KEPT_SECONDS
_WHOLE = re.compile(r"[0-9a-f]{16}")
_NO_UPLOAD = "There is no such upload"


class SegmentBlobStore(BlobStore):
    """The `BlobStore` port over segments."""

    def __init__(
        self,
        database: MailDatabase,
        segments: Segments,
        uploads: Uploads,
        links: SignedLinks,
        clock: Clock,
        rand: Rand,
    ) -> None:
        self._database = database
        self._segments = segments
        self._uploads = uploads
        self._links = links
        self._clock = clock
        self._rand = rand

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Append the bodies, and flush them together with those of others."""
        if not bodies:
            return []

        def put(db: apsw.Connection) -> list[BlobRef]:
            refs = self._segments.append(server, bodies, now)
            count_stored(db, server, refs)
            return refs

        return await self._database.write(put)

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference; NotFound when they are gone."""
        if ref.key.startswith(UPLOADS):
            return self._uploads.read(ref.key, ref.offset, ref.length)
        return self._segments.read(ref)

    def pieces(self, ref: BlobRef) -> Iterator[bytes]:
        """The same bytes, some at a time; NotFound as `Segments.pieces` says."""
        if not ref.key.startswith(UPLOADS):
            yield from self._segments.pieces(ref)
            return
        for at in range(0, ref.length, PIECE):
            yield self._uploads.read(ref.key, ref.offset + at, min(PIECE, ref.length - at))

    async def link(self, ref: BlobRef, seconds: int, name: str = "") -> str:
        """A URL for these bytes alone; NotFound when they are gone."""
        next(self.pieces(ref), b"")
        return self._links.link(ref, int(self._clock.now()) + seconds, name)

    async def keep(
        self, owner: ServerId, name: str, content: bytes | bytearray, now: float
    ) -> BlobRef:
        """Keep it as an upload whose time begins so much later as files are kept longer."""
        await self.bring(owner, name, content, now + _LATER)
        return BlobRef(f"{UPLOADS}{owner}/{name}", 0, len(content))

    async def kept(self, owner: ServerId, name: str, now: float) -> BlobRef:
        """The reference of a file, which is one of an upload."""
        return await self.uploaded(owner, name, now)

    async def files(self, owner: ServerId, now: float) -> dict[str, float]:
        """All that are kept: some days before its end a file looks like an upload."""
        return {name: at - _LATER for name, at in self._alive(owner, now).items()}

    async def begin_whole(self, owner: ServerId, name: str) -> str:
        """A name for its parts, which lie beside where the file is to be."""
        return self._rand.bytes(8).hex()

    async def add_part(
        self, owner: ServerId, name: str, whole: str, number: int, content: bytes | bytearray
    ) -> str:
        """A file of its own, which is unfinished for the upkeep. NotFound for parts of another store."""
        part = self._uploads.begin(_part_key(owner, name, whole, number))
        _written(part, content, self._clock.now())
        return str(number)

    async def end_whole(
        self, owner: ServerId, name: str, whole: str, tags: Sequence[str], now: float
    ) -> BlobRef:
        """The parts one after the other, in a thread of its own."""
        numbers = range(1, len(tags) + 1)
        keys = [_part_key(owner, name, whole, number) for number in numbers]
        at = now + FILE_KEPT_SECONDS - UPLOAD_KEPT_SECONDS
        await asyncio.to_thread(self._uploads.join, f"{UPLOADS}{owner}/{name}", keys, at)
        return await self.kept(owner, name, now)

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """A ticket for one file of this server."""
        upload_id = self._rand.bytes(16).hex()
        url = self._links.ticket(server, upload_id, size, int(now))
        headers = {"Content-Length": str(size)}
        return UploadTicket(upload_id, url, "PUT", headers, int(now) + UPLOAD_SECONDS)

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """The reference of a finished upload of this server; its time counts from its ticket on."""
        if _ID.fullmatch(upload_id) is None:
            raise NotFound(_NO_UPLOAD)
        key = f"{UPLOADS}{server}/{upload_id}"
        try:
            size, at = self._uploads.find(key)
        except NotFound as unfinished:
            raise NotFound(_NO_UPLOAD) from unfinished
        if at + UPLOAD_KEPT_SECONDS <= now:
            raise NotFound(_NO_UPLOAD)
        return BlobRef(key, 0, size)

    async def uploads(self, server: ServerId, now: float) -> dict[str, float]:
        """The finished uploads of a server, by id, with the times of their tickets."""
        return {one: at for one, at in self._alive(server, now).items() if at <= now}

    def _alive(self, owner: ServerId, now: float) -> dict[str, float]:
        found = {
            key.rpartition("/")[2]: self._uploads.find(key)[1] for key in self._uploads.of(owner)
        }
        return {one: at for one, at in found.items() if at + UPLOAD_KEPT_SECONDS > now}

    async def bring(
        self, server: ServerId, upload_id: str, content: bytes | bytearray, at: float
    ) -> None:
        """Keep an upload as of a ticket that was given at `at`."""
        upload = self._uploads.begin(f"{UPLOADS}{server}/{upload_id}")
        _written(upload, content, at)


def _part_key(owner: ServerId, name: str, whole: str, number: int) -> str:
    if _WHOLE.fullmatch(whole) is None:
        raise NotFound(_NO_UPLOAD)
    return f"{UPLOADS}{owner}/{name}.{whole}-{number:06d}"


def _written(upload: Upload, content: bytes | bytearray, at: float) -> None:
    try:
        upload.write(content)
        upload.keep(at)
    except OSError:
        upload.drop()
        raise
