"""Bodies go from store to store in few calls and few bytes at a time, each to a place of its own."""

from __future__ import annotations

from typing import Any

from chalicelib.bootstrap import run
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import BlobRef, Message
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.intake import LARGEST_PACKED
from onehost.move.bodies import IN_HAND, Places, copy_bodies
from tests.fakes import NOW, a_message

SERVER = ServerId(7)
DAY = 86_400


class Objects:
    """Objects by key, and what was asked of them."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = dict(objects)
        self.read: list[BlobRef] = []
        self.put_sizes: list[int] = []

    async def get(self, ref: BlobRef) -> bytes:
        self.read.append(ref)
        if ref.key not in self.objects:
            raise NotFound("gone")
        return self.objects[ref.key][ref.offset : ref.offset + ref.length]

    async def put(self, server: ServerId, bodies: list[bytes], now: float) -> list[BlobRef]:
        key = f"{server}/{int(now) // DAY}/{len(self.objects)}"
        self.objects[key] = b"".join(bodies)
        self.put_sizes.append(len(self.objects[key]))
        ends = [sum(map(len, bodies[:count])) for count in range(len(bodies))]
        return [BlobRef(key, at, len(body)) for at, body in zip(ends, bodies, strict=True)]


def mail(number: int, ref: BlobRef, at: float = NOW) -> Message:
    return a_message(SERVER, number, blob=ref, received_at=at)


def copied(source: Objects, target: Objects, *messages: Message) -> Places:
    stores: Any = (source, target)
    return run(copy_bodies(*stores, SERVER, messages))


def assert_same(source: Objects, target: Objects, places: Places) -> None:
    for ref, place in places.items():
        ours = source.objects[ref.key][ref.offset : ref.offset + ref.length]
        assert target.objects[place.key][place.offset : place.offset + place.length] == ours


def test_neighbours_are_read_together_and_put_together() -> None:
    source, target = Objects(a=b"onetwothree", b=b"four"), Objects()
    refs = [BlobRef("a", 0, 3), BlobRef("a", 3, 3), BlobRef("a", 6, 5), BlobRef("b", 0, 4)]
    places = copied(source, target, *(mail(n, ref) for n, ref in enumerate([*refs, refs[0]])))
    assert source.read == [BlobRef("a", 0, 11), BlobRef("b", 0, 4)]
    assert target.put_sizes == [15]
    assert places.keys() == set(refs)
    assert_same(source, target, places)


def test_what_lies_apart_is_read_apart() -> None:
    """In a segment a head lies between two bodies, and each is checked by itself."""
    source, target = Objects(a=b"one-two"), Objects()
    refs = [BlobRef("a", 0, 3), BlobRef("a", 4, 3)]
    places = copied(source, target, *(mail(n, ref) for n, ref in enumerate(refs)))
    assert source.read == refs
    assert_same(source, target, places)


def test_what_is_gone_has_no_place_and_keeps_none_from_others() -> None:
    source, target = Objects(a=b"one"), Objects()
    places = copied(source, target, mail(1, BlobRef("x", 0, 3)), mail(2, BlobRef("a", 0, 3)))
    assert list(places) == [BlobRef("a", 0, 3)]


def test_days_are_kept_apart_and_large_ones_alone() -> None:
    large = LARGEST_PACKED + 1
    source, target = Objects(a=b"x" * large, b=b"one", c=b""), Objects()
    places = copied(
        source,
        target,
        mail(1, BlobRef("a", 0, large)),
        mail(2, BlobRef("b", 0, 3)),
        mail(3, BlobRef("c", 0, 0)),
        mail(4, BlobRef("b", 1, 2), NOW - DAY),
    )
    assert sorted(target.put_sizes) == [2, 3, large]
    assert_same(source, target, places)


def test_few_megabytes_are_in_hand() -> None:
    size = IN_HAND // 4
    source, target = Objects(**{f"k{n}": bytes([n]) * size for n in range(10)}), Objects()
    order: list[str] = []
    get, put = source.get, target.put

    async def note_get(ref: BlobRef) -> bytes:
        order.append("get")
        return await get(ref)

    async def note_put(*arguments: Any) -> list[BlobRef]:
        order.append("put")
        return await put(*arguments)

    source.get, target.put = note_get, note_put  # type: ignore[method-assign]
    places = copied(source, target, *(mail(n, BlobRef(f"k{n}", 0, size)) for n in range(10)))
    assert (
        order == ["get"] * 4 + ["put"] * 4 + ["get"] * 4 + ["put"] * 4 + ["get"] * 2 + ["put"] * 2
    )
    assert_same(source, target, places)
