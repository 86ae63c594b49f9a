"""Giving back bodies, and what lies beside those that are still needed.

A place that holds both is left as it is while more than half of it is of use; else what is needed is written anew,
the messages are told where, and the old place goes last. A death in between leaves a place that nobody knows, or one
of which some messages know the old and some the new: both are right, and the next run does the rest. Whoever has an
old reference in hand looks at the message once more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, MessageRecord
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.contents import Contents
from chalicelib.ports.old_mail import OldMail


class GiveBack:
    """Bodies that nobody needs any more."""

    def __init__(self, contents: Contents, blobs: BlobStore, old: OldMail) -> None:
        self._contents = contents
        self._blobs = blobs
        self._old = old

    async def run(
        self,
        server: ServerId,
        bodies: Collection[BlobRef],
        needing: Sequence[MessageRecord],
        *,
        at_once: bool = False,
    ) -> dict[BlobRef, BlobRef]:
        """Give back bodies; where those are now that were put elsewhere. `needing` are all messages that need one which
        may share a place with these; `at_once` puts elsewhere whatever is needed, however little else there is."""
        needed = {one.message.blob for one in needing}
        moved: dict[BlobRef, BlobRef] = {}
        if not bodies:
            return moved
        for key in await self._contents.remove(server, bodies, needed):
            there = [one for one in needing if one.message.blob.key == key]
            size = sum({one.message.blob: one.message.blob.length for one in there}.values())
            if at_once or 2 * size <= await self._contents.size(key):
                moved |= await self._rewrite(server, key, there)
        return moved

    async def _rewrite(
        self, server: ServerId, key: str, needing: Sequence[MessageRecord]
    ) -> dict[BlobRef, BlobRef]:
        places = sorted({one.message.blob for one in needing}, key=lambda one: one.offset)
        try:
            bodies = [await self._blobs.get(one) for one in places]
        except NotFound:  # somebody was here before
            return {}
        # Filed under the day of its messages, where it is looked for.
        accepted = min(one.message.received_at for one in needing)
        new = dict(zip(places, await self._blobs.put(server, bodies, accepted), strict=True))
        for record in needing:
            await self._old.put_elsewhere(record, new[record.message.blob])
        await self._contents.drop(server, key)
        return new
