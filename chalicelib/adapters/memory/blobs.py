"""Message bytes kept in the process: what is put is kept by reference, not copied. Nothing survives the process."""

from __future__ import annotations

import time
from collections.abc import Sequence

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.blobs import UPLOAD_KEPT_SECONDS, BlobStore, UploadTicket
from chalicelib.ports.rand import Rand

UPLOAD_SECONDS = 3_600


class MemoryBlobStore(BlobStore):
    """The `BlobStore` port in memory. `purge`, `follow` and `finish_upload` play the store's other users."""

    def __init__(self, rand: Rand) -> None:
        self._rand = rand
        self._objects: dict[str, dict[int, bytes]] = {}
        self._ticketed: dict[str, float] = {}

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        """Keep the bodies as one object; one reference a body."""
        if not bodies:
            return []
        day = time.strftime("%Y%m%d", time.gmtime(now))
        key = f"r/{server}/{day}/{self._rand.bytes(12).hex()}"
        refs, offset = [], 0
        parts: dict[int, bytes] = {}
        for body in bodies:
            refs.append(BlobRef(key, offset, len(body)))
            if body:
                parts[offset] = body
            offset += len(body)
        self._objects[key] = parts
        return refs

    async def get(self, ref: BlobRef) -> bytes:
        """The bytes of a reference; NotFound when purged."""
        parts = self._objects.get(ref.key)
        if parts is None:
            raise NotFound("The content of this message is no longer kept")
        body = parts.get(ref.offset, b"")
        if len(body) == ref.length:
            return body
        whole = b"".join(parts[offset] for offset in sorted(parts))
        return whole[ref.offset : ref.offset + ref.length]

    async def link(self, ref: BlobRef, seconds: int) -> str | None:
        """A URL that only `follow` understands; None for a part of an object, NotFound when purged."""
        parts = self._objects.get(ref.key)
        if parts is None:
            raise NotFound("The content of this message is no longer kept")
        is_whole = (ref.offset, ref.length) == (0, sum(map(len, parts.values())))
        return f"memory:{ref.key}" if is_whole else None

    async def ticket(self, server: ServerId, size: int, now: float) -> UploadTicket:
        """A ticket whose URL only `finish_upload` understands."""
        upload_id = self._rand.bytes(16).hex()
        headers = {"Content-Length": str(size)}
        url = f"memory:u/{server}/{upload_id}"
        self._ticketed[f"u/{server}/{upload_id}"] = now
        return UploadTicket(upload_id, url, "PUT", headers, int(now) + UPLOAD_SECONDS)

    async def uploaded(self, server: ServerId, upload_id: str, now: float) -> BlobRef:
        """The reference of a finished upload of this server; its time counts from its ticket on."""
        key = f"u/{server}/{upload_id}"
        if key not in self._objects or self._ticketed[key] + UPLOAD_KEPT_SECONDS <= now:
            raise NotFound("There is no such upload")
        return BlobRef(key, 0, len(self._objects[key].get(0, b"")))

    def finish_upload(self, ticket: UploadTicket, content: bytes) -> None:
        """What a client does with its ticket."""
        self._objects[ticket.url.removeprefix("memory:")] = {0: content}

    def follow(self, url: str) -> bytes:
        """What a client does with a link."""
        parts = self._objects[url.removeprefix("memory:")]
        return b"".join(parts[offset] for offset in sorted(parts))

    def purge(self, key: str) -> None:
        """Forget an object, as retention does."""
        self._objects.pop(key, None)
