"""Addresses at which a message or an attachment is fetched without a key, for an hour unless another time is asked for.

Attachments are kept as uploads are, for two days, under a name of their own that stays the same from attempt to
attempt; so is a message that shares its object with others. Addresses are made anew each time.
"""

from __future__ import annotations

import hashlib

from chalicelib.domain.file_link import FileLink
from chalicelib.domain.model import BlobRef, Message
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import NOT_STORED

LINK_SECONDS = 3_600


class FileLinks:
    """Asks the blob store."""

    def __init__(self, blobs: BlobStore, clock: Clock) -> None:
        self._blobs = blobs
        self._clock = clock

    async def message(self, message: Message, stored: bytes) -> FileLink:
        """Where the bytes of a message are as they were accepted; one that has no place gets one as an attachment
        does. NotFound, TemporaryFailure."""
        link = None if message.blob == NOT_STORED else await self._link(message.blob)
        return link or await self._kept(message, "message", stored)

    async def attachment(
        self, message: Message, index: int, name: str, data: bytes, seconds: int = LINK_SECONDS
    ) -> FileLink:
        """Where the bytes of an attachment are, as a file of this name. TemporaryFailure."""
        return await self._kept(message, str(index), data, seconds, name)

    async def shown(self, message: Message, content: bytes, seconds: int) -> FileLink:
        """Where the bytes of a message are with the fields that were put in front. TemporaryFailure."""
        return await self._kept(message, "shown", content, seconds)

    async def _kept(
        self,
        message: Message,
        name: str,
        data: bytes,
        seconds: int = LINK_SECONDS,
        file_name: str = "message.eml",
    ) -> FileLink:
        now = self._clock.now()
        upload = hashlib.sha256(f"{message.token}/{name}".encode()).hexdigest()[:32]
        await self._blobs.bring(message.server_id, upload, data, now)
        ref = await self._blobs.uploaded(message.server_id, upload, now)
        link = await self._link(ref, seconds, file_name)
        if link is None:
            raise RuntimeError("an upload has an object of its own")
        return link

    async def _link(
        self, ref: BlobRef, seconds: int = LINK_SECONDS, file_name: str = ""
    ) -> FileLink | None:
        until = int(self._clock.now()) + seconds
        url = await self._blobs.link(ref, seconds, file_name)
        return None if url is None else FileLink(url, until)
