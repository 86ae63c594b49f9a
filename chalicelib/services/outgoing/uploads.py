"""What clients upload before they send it: permission to upload, and the bytes of finished uploads.

Sizes are compared before anything is read. An upload belongs to one server, and to whatever request names it next.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.model import BlobRef
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.blobs import BlobStore, UploadTicket
from chalicelib.ports.clock import Clock
from chalicelib.services.gather import gather
from chalicelib.services.outgoing.submission import check_size

AT_A_TIME = 10  # uploads asked for, or read


class Uploads:
    """Uploads of the clients of a server."""

    def __init__(self, settings: Settings, clock: Clock, blobs: BlobStore) -> None:
        self._settings = settings
        self._clock = clock
        self._blobs = blobs

    async def ticket(self, server: Server, size: int, most: int = 0) -> UploadTicket:
        """Permission to upload one message or attachment, or whatever has at most `most` bytes. Rejected when it could
        never be sent."""
        if size > most > self._settings.max_message_size:
            text = f"The upload has {size:,} bytes, at most {most:,} are taken"
            raise Rejected(text, reply=Reply(552, "5.3.4", text), size=size)
        if size > most:
            check_size(self._settings, size)
        return await self._blobs.ticket(server.id, size, self._clock.now())

    async def contents(
        self, server: Server, uploads: Collection[str], octets: Callable[[Mapping[str, int]], int]
    ) -> dict[str, bytes]:
        """The bytes of finished uploads of this server, by id; each is read once. NotFound names one that is missing.

        `octets` gives the size of the message from those of its uploads, counting each as often as it is used.
        Rejected when that is more than a message may have, before anything is read.
        """
        refs: dict[str, BlobRef] = {}
        for some in _by_tens(dict.fromkeys(uploads)):
            found = await gather(self._finished(server, one) for one in some)
            refs |= zip(some, found, strict=True)
        size = octets({upload: ref.length for upload, ref in refs.items()})
        check_size(self._settings, size)
        contents: dict[str, bytes] = {}
        for some in _by_tens(refs):
            read = await gather(self._blobs.get(refs[one]) for one in some)
            contents |= zip(some, read, strict=True)
        return contents

    async def _finished(self, server: Server, upload: str) -> BlobRef:
        try:
            return await self._blobs.uploaded(server.id, upload, self._clock.now())
        except NotFound as missing:
            raise NotFound("There is no such upload", upload=upload) from missing


def _by_tens(ids: Iterable[str]) -> Iterator[list[str]]:
    listed = list(ids)
    return (listed[at : at + AT_A_TIME] for at in range(0, len(listed), AT_A_TIME))
