"""What keeps the lake small and in few objects: merging, and taking out what was forgotten.

Pairs of about the same size are merged when there are enough of them, so that a search opens few, and each row is
written anew only as often as there are sizes. A merge that dies leaves what it read beside what it wrote, which is the
same; the next one has them again.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from chalicelib.adapters.aws.lake.footers import Footers
from chalicelib.adapters.aws.lake.merge import NOTHING, LeftOut, holds_any, merge
from chalicelib.adapters.aws.lake.objects import (
    FORGOTTEN,
    ROWS,
    TERMS,
    LakeObject,
    LakeObjects,
    merged_name,
)

SIZES = (131_072, 1_048_576, 8_388_608)
"""Where one size ends and the next begins, in bytes of a pair; what is larger than the last is left as it is."""
FEWEST = 8
MOST = 64
MOST_BYTES = 67_108_864  # what is written is held in memory
Pair = tuple[LakeObject, ...]


def pairs(listed: Sequence[LakeObject]) -> dict[str, Pair]:
    """What belongs together of these objects, by name."""
    found: dict[str, list[LakeObject]] = defaultdict(list)
    for one in listed:
        if one.kind in (ROWS, TERMS):
            found[one.name].append(one)
    return {name: tuple(both) for name, both in found.items()}


def next_to_merge(found: Mapping[str, Pair]) -> list[str]:
    """The pairs to merge now, the smallest of which there are enough; none when there is nothing to do."""
    sizes: dict[int, list[str]] = defaultdict(list)
    for name, both in sorted(found.items()):
        sizes[bisect(SIZES, sum(one.size for one in both))].append(name)
    sizes.pop(len(SIZES), None)
    enough = (names[:MOST] for _, names in sorted(sizes.items()) if len(names) >= FEWEST)
    return _that_fit(found, next(enough, []))


def _that_fit(found: Mapping[str, Pair], names: Sequence[str]) -> list[str]:
    total = 0
    for count, name in enumerate(names):
        total += sum(one.size for one in found[name])
        if total > MOST_BYTES:
            return list(names[:count])
    return list(names)


async def merge_pairs(
    objects: LakeObjects, footers: Footers, merged: Sequence[Pair], left_out: LeftOut = NOTHING
) -> None:
    """Put one pair in place of these."""
    inputs = [one for both in merged for one in both]
    names = sorted({one.name for one in inputs})
    told = json.dumps([names, repr(left_out)]).encode()
    name = merged_name(names, hashlib.sha256(told).hexdigest()[:24])
    await merge(objects, footers, inputs, name, left_out)
    await objects.remove([(one.kind, one.name) for one in inputs])


async def take_out(objects: LakeObjects, footers: Footers, left_out: LeftOut) -> int:
    """Write anew every pair that has something of it; how many those were."""
    count = 0
    servers = {*left_out.messages, *left_out.servers}
    for both in pairs(await objects.list()).values():
        if not any(both[0].may_hold(server) for server in servers):
            continue
        rows = next((one for one in both if one.kind == ROWS), None)
        if rows is None or await holds_any(footers, rows, left_out):
            await merge_pairs(objects, footers, [both], left_out)
            count += 1
    return count


async def take_out_marked(objects: LakeObjects, footers: Footers, names: Sequence[str]) -> None:
    """Take out what marks say, and remove them."""
    await take_out(objects, footers, await read_marks(objects, names))
    await objects.remove([(FORGOTTEN, name) for name in names])


async def merge_all(objects: LakeObjects, footers: Footers, is_over: Callable[[], bool]) -> int:
    """Merge until nothing is left to merge, or it is over; how many pairs there are."""
    found = pairs(await objects.list())
    while (merged := next_to_merge(found)) and not is_over():
        await merge_pairs(objects, footers, [found[name] for name in merged])
        found = pairs(await objects.list())
    return len(found)


async def read_marks(objects: LakeObjects, names: Sequence[str]) -> LeftOut:
    """What the marks say."""
    messages: dict[int, set[int]] = defaultdict(set)
    servers = set()
    for name in names:
        told = json.loads(await objects.read(FORGOTTEN, name))
        if told["messages"] is None:
            servers.add(told["server"])
        else:
            messages[told["server"]].update(told["messages"])
    return LeftOut(
        {server: frozenset(found) for server, found in messages.items()}, frozenset(servers)
    )
