"""Where bodies share stored objects, one that an answer of the API may not hold has an object of its own."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from chalicelib.adapters.storage.intake import LARGEST_PACK
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.intake import LARGEST_PACKED
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.outgoing.accept import AcceptMail
from chalicelib.services.outgoing.submission import Recipient, Submission
from tests.worlds import Scene, make_scene, storing_in_order

HEAD = b"From: app@acme.test\r\nMessage-ID: <x@acme.test>\r\n\r\n"
SMALL, LARGE = 1_000, LARGEST_PACKED + 1


async def stored(scene: Scene, sizes: list[int]) -> list[tuple[str, int]]:
    """Where the bodies of these sizes lie, accepted as one batch: key and offset."""
    to = (Recipient("x@example.com"),)
    batch = [
        await scene.posthorn[AcceptMail].prepare(
            Submission(scene.principal, "app@acme.test", to, HEAD + b"x" * (size - len(HEAD)))
        )
        for size in sizes
    ]
    await scene.posthorn[AcceptMail].store(batch)
    refs = [prepared.messages[0].blob for prepared in batch]
    bodies = [await scene.posthorn[BlobStore].get(ref) for ref in refs]
    assert bodies == [prepared.body for prepared in batch]
    return [(ref.key, ref.offset) for ref in refs]


class Objects:
    """A store in which each put makes an object of its own, and links lead to whole ones: as in S3."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    async def put(self, server: ServerId, bodies: Sequence[bytes], now: float) -> list[BlobRef]:
        key = f"r/{server}/{len(self._kept)}"
        self._kept[key] = b"".join(bodies)
        starts = itertools.accumulate(map(len, bodies), initial=0)
        return [BlobRef(key, start, len(body)) for start, body in zip(starts, bodies, strict=False)]

    async def get(self, ref: BlobRef) -> bytes:
        return self._kept[ref.key][ref.offset : ref.offset + ref.length]

    async def link(self, ref: BlobRef, seconds: int, name: str = "") -> str | None:
        return ref.key if ref.length == len(self._kept[ref.key]) else None


@pytest.fixture
async def scene() -> Scene:
    made = await make_scene()
    made.posthorn = storing_in_order(made.posthorn, {BlobStore: Objects()})
    return made


async def test_small_ones_share_an_object_around_a_large_one(scene: Scene) -> None:
    first, large, second, other, last = await stored(scene, [SMALL, LARGE, SMALL, LARGE, SMALL])
    assert first[0] == second[0] == last[0]
    assert len({first[0], large[0], other[0]}) == 3
    assert (first[1], large[1], other[1]) == (0, 0, 0)


async def test_a_link_leads_to_every_large_one(scene: Scene) -> None:
    sizes = [SMALL, LARGE, SMALL]
    places = await stored(scene, sizes)
    records = [await scene.posthorn[MessageHistory].record(scene.server.id, n) for n in (1, 2, 3)]
    assert [record.message.blob.key for record in records] == [key for key, _ in places]
    links = [await scene.posthorn[MessageHistory].link(record, 60) for record in records]
    assert [link is not None for link in links] == [False, True, False]


async def test_an_object_that_is_shared_has_its_limit(scene: Scene) -> None:
    places = await stored(scene, [LARGEST_PACKED] * 9)
    keys = [key for key, _ in places]
    assert keys[0] == keys[LARGEST_PACK // LARGEST_PACKED - 1]
    assert len(set(keys)) == 2
