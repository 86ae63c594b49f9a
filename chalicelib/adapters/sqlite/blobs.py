"""Message bytes in segments, and uploads in files of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.adapters.sqlite.segments import GONE, Segments
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.blobs import UPLOAD_KEPT_SECONDS, BlobStore, UploadTicket
from chalicelib.ports.rand import Rand

UPLOAD_SECONDS = 3_600
_UPLOADS = "u/"
_ID = re.compile(r"[0-9a-f]{32}")


class SegmentBlobStore(BlobStore):
    """The `BlobStore` port over segments."""

    def __init__(
        self, folder: StateFolder, database: MailDatabase, segments: Segments, rand: Rand
    ) -> None:
        self._uploads = folder.file("uploads")
        self._database = database
        self._segments = segments
        self._rand = rand
        self._in_memory: dict[str, bytes] = {}
        self._ticketed: dict[str, float] = {}
        database.before_commit(segments.flush)

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Append the bodies, and flush them together with those of others."""
        if not bodies:
            return []
        return await self._database.write(lambda _: self._segments.append(server, bodies, now))

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference; NotFound when they are gone."""
        if not ref.key.startswith(_UPLOADS):
            return self._segments.read(ref)
        content = self._upload(ref.key)
        return content[ref.offset : ref.offset + ref.length]

    async def link(self, ref: BlobRef, seconds: int) -> str | None:
        """A URL for these bytes alone; NotFound when they are gone."""
        await self.get(ref)
        return f"memory:{ref.key}:{ref.offset}:{ref.length}"

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """A ticket for one file of this server."""
        upload_id = self._rand.bytes(16).hex()
        key = f"{_UPLOADS}{server}/{upload_id}"
        self._ticketed[key] = now
        headers = {"Content-Length": str(size)}
        return UploadTicket(upload_id, f"memory:{key}", "PUT", headers, int(now) + UPLOAD_SECONDS)

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """The reference of a finished upload of this server; its time counts from its ticket on."""
        key = f"{_UPLOADS}{server}/{upload_id}"
        since = self._ticketed.get(key)
        if _ID.fullmatch(upload_id) is None or since is None or since + UPLOAD_KEPT_SECONDS <= now:
            raise NotFound("There is no such upload")
        try:
            return BlobRef(key, 0, len(self._upload(key)))
        except NotFound as unfinished:
            raise NotFound("There is no such upload") from unfinished

    def _upload(self, key: str) -> bytes:
        if self._uploads is None:
            if key not in self._in_memory:
                raise NotFound(GONE)
            return self._in_memory[key]
        try:
            return (self._uploads / key.removeprefix(_UPLOADS)).read_bytes()
        except FileNotFoundError as gone:
            raise NotFound(GONE) from gone

    def finish_upload(self, ticket: UploadTicket, content: bytes) -> None:
        """What a client does with its ticket."""
        key = ticket.url.removeprefix("memory:")
        if self._uploads is None:
            self._in_memory[key] = content
            return
        path = self._uploads / key.removeprefix(_UPLOADS)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o600)

    def follow(self, url: str) -> bytes:
        """What a client does with a link."""
        key, offset, length = url.removeprefix("memory:").rsplit(":", 2)
        if key.startswith(_UPLOADS):
            return self._upload(key)
        return self._segments.read(BlobRef(key, int(offset), int(length)))

    def purge(self, key: str) -> None:
        """Forget a segment, as retention does."""
        self._segments.remove(key)
