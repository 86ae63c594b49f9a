"""Reading the bodies of a batch: one read for neighbours, the same bytes as one by one, failures tried again."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from chalicelib.adapters.sqlite.segments import Segments
from chalicelib.bootstrap import in_memory
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.services.queue.bodies import LARGEST_SPAN, Bodies, Room

SERVER = ServerId(1)


class Watched:
    """A store in memory; it keeps what was read, and fails as often as told."""

    def __init__(self) -> None:
        self._program = in_memory()
        self.reads: list[BlobRef] = []
        self.failures = 0
        self.put = self._program[BlobStore].put

    async def get(self, ref: BlobRef) -> bytes:
        self.reads.append(ref)
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise TemporaryFailure("The store is away")
        return await self._program[BlobStore].get(ref)

    def purge(self, key: str) -> None:
        """Forget an object, as retention does."""
        self._program[Segments].remove(key)


def span(first: BlobRef, last: BlobRef) -> BlobRef:
    """What holds both and all between them."""
    return BlobRef(first.key, first.offset, last.offset + last.length - first.offset)


async def _all(bodies: Bodies, refs: list[BlobRef]) -> list[bytes]:
    return list(await asyncio.gather(*(bodies.get(ref) for ref in refs)))


async def test_neighbours_come_with_one_read() -> None:
    store = Watched()
    contents = [b"x" * 10, b"", b"y" * 3, b"z" * 70]
    refs = await store.put(SERVER, contents, 0.0)
    alone = (await store.put(SERVER, [b"alone"], DAY))[0]  # in another object
    assert await _all(Bodies(store, [*refs, alone]), [*refs, alone]) == [*contents, b"alone"]
    assert set(store.reads) == {span(refs[0], refs[3]), alone}
    assert len(store.reads) == 2


async def test_only_what_the_batch_needs_is_read() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"%d" % number * 5 for number in range(10)], 0.0)
    wanted = [refs[6], refs[3], refs[4]]
    assert await _all(Bodies(store, wanted), wanted) == [b"66666", b"33333", b"44444"]
    assert store.reads == [span(refs[3], refs[6])]


async def test_nothing_is_read_before_it_is_asked_for() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"a", b"b"], 0.0)
    Bodies(store, refs)
    assert store.reads == []


async def test_recipients_of_one_message_share_a_read() -> None:
    store = Watched()
    (ref,) = await store.put(SERVER, [b"to all"], 0.0)
    assert await _all(Bodies(store, [ref] * 20), [ref] * 20) == [b"to all"] * 20
    assert store.reads == [ref]


async def test_large_bodies_are_not_kept_together() -> None:
    store = Watched()
    half, large = LARGEST_SPAN // 2 - 16, LARGEST_SPAN + 1  # two halves and what lies between
    contents = [b"a" * half, b"b" * half, b"c" * half, b"d" * large]
    refs = await store.put(SERVER, contents, 0.0)
    bodies = Bodies(store, [*refs, refs[3]])
    assert await _all(bodies, [*refs, refs[3]]) == [*contents, contents[3]]
    together = span(refs[0], refs[1])
    assert LARGEST_SPAN - 32 < together.length <= LARGEST_SPAN
    assert Counter(store.reads) == Counter([together, refs[2], refs[3], refs[3]])


LARGE = LARGEST_SPAN + 1
SOON = 0.05
PATIENT = 60.0


async def large_ones(store: Watched, count: int) -> list[BlobRef]:
    return [(await store.put(SERVER, [b"%d" % n * LARGE], 0.0))[0] for n in range(count)]


async def test_those_who_hold_a_large_body_share_one_read_of_the_same_object() -> None:
    store = Watched()
    (ref,) = await large_ones(store, 1)
    bodies = Bodies(store, [ref] * 3, Room(LARGE))
    async with bodies.reserved(ref, PATIENT), bodies.reserved(ref, PATIENT):
        first, second = await _all(bodies, [ref, ref])
        assert first is second
    async with bodies.reserved(ref, PATIENT):
        assert await bodies.get(ref) == first
    assert store.reads == [ref, ref]  # nobody held it in between, so it was let go


async def test_what_does_not_fit_waits_and_has_its_turn_when_there_is_room() -> None:
    store = Watched()
    first, second, third = await large_ones(store, 3)
    bodies = Bodies(store, [first, second, third], Room(2 * LARGE))
    entered = asyncio.Event()

    async def hold_third() -> bytes:
        async with bodies.reserved(third, PATIENT):
            entered.set()
            return await bodies.get(third)

    async with bodies.reserved(first, PATIENT):
        async with bodies.reserved(second, PATIENT):
            waiting = asyncio.ensure_future(hold_third())
            await asyncio.sleep(0)
            assert not entered.is_set()
        assert await waiting == b"2" * LARGE
    assert store.reads == [third]


async def test_whoever_waits_too_long_is_told_and_holds_nothing() -> None:
    store = Watched()
    first, second = await large_ones(store, 2)
    bodies = Bodies(store, [first, second], Room(LARGE))
    async with bodies.reserved(first, PATIENT):
        with pytest.raises(TemporaryFailure, match="no room"):
            async with bodies.reserved(second, SOON):
                raise AssertionError("there is no room")
    async with bodies.reserved(second, SOON):
        assert await bodies.get(second) == b"1" * LARGE


async def test_batches_of_one_process_share_the_room() -> None:
    store = Watched()
    first, second = await large_ones(store, 2)
    room = Room(LARGE)
    async with Bodies(store, [first], room).reserved(first, PATIENT):
        with pytest.raises(TemporaryFailure, match="no room"):
            async with Bodies(store, [second], room).reserved(second, SOON):
                raise AssertionError("there is no room")


async def test_copies_count_and_the_body_of_all_who_share_it_once() -> None:
    store = Watched()
    (ref,) = await large_ones(store, 1)
    bodies = Bodies(store, [ref] * 3, Room(3 * LARGE))
    async with bodies.reserved(ref, PATIENT, copies=1), bodies.reserved(ref, PATIENT, copies=1):
        with pytest.raises(TemporaryFailure, match="no room"):
            async with bodies.reserved(ref, SOON, copies=1):
                raise AssertionError("there is no room")
        async with bodies.reserved(ref, PATIENT):
            assert len(await bodies.get(ref)) == LARGE


async def test_a_body_that_is_larger_than_all_room_is_let_in_alone() -> None:
    store = Watched()
    first, second = await large_ones(store, 2)
    bodies = Bodies(store, [first, first, second], Room(1))
    async with bodies.reserved(first, PATIENT), bodies.reserved(first, PATIENT):
        with pytest.raises(TemporaryFailure, match="no room"):
            async with bodies.reserved(second, SOON):
                raise AssertionError("there is no room")
    async with bodies.reserved(second, PATIENT):
        assert await bodies.get(second) == b"1" * LARGE


async def test_small_bodies_never_wait() -> None:
    store = Watched()
    (large,) = await large_ones(store, 1)
    (small,) = await store.put(SERVER, [b"small"], 0.0)
    bodies = Bodies(store, [large, small], Room(1))
    async with bodies.reserved(large, PATIENT), bodies.reserved(small, 0.0, copies=1):
        assert await bodies.get(small) == b"small"


async def test_a_failed_read_is_tried_again() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"a", b"b"], 0.0)
    bodies, store.failures = Bodies(store, refs), 1
    with pytest.raises(TemporaryFailure):
        await bodies.get(refs[0])
    assert await _all(bodies, refs) == [b"a", b"b"]
    assert len(store.reads) == 2


async def test_a_purged_object_is_not_found() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"a", b"b"], 0.0)
    store.purge(refs[0].key)
    bodies = Bodies(store, refs)
    for ref in refs:
        with pytest.raises(NotFound):
            await bodies.get(ref)


async def test_a_cancelled_reader_leaves_the_bytes_to_the_others() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"a", b"b"], 0.0)
    bodies = Bodies(store, refs)
    first = asyncio.ensure_future(bodies.get(refs[0]))
    await asyncio.sleep(0)
    second = asyncio.ensure_future(bodies.get(refs[1]))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == b"b"
    assert first.cancelled()
    assert len(store.reads) == 1


async def test_a_reference_nobody_announced_is_read_by_itself() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"a", b"b", b"c"], 0.0)
    assert await Bodies(store, refs[:2]).get(refs[2]) == b"c"
    assert store.reads == [refs[2]]


async def test_what_was_read_goes_with_the_last_message_that_lies_there() -> None:
    store = Watched()
    refs = await store.put(SERVER, [b"x" * 10, b"y" * 3], 0.0)
    bodies = Bodies(store, [*refs, refs[0]])
    assert await bodies.get(refs[0]) == b"x" * 10
    for ref in refs:
        bodies.done(ref)
    assert await bodies.get(refs[0]) == b"x" * 10
    assert len(store.reads) == 1
    bodies.done(refs[0])
    assert await bodies.get(refs[0]) == b"x" * 10
    assert len(store.reads) == 2
