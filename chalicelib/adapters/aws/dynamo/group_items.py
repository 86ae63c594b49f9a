"""Items of the mail table that hold counters of groups, all in the partition `S#<server>#GRP`.

| Item | SK | Attributes |
|---|---|---|
| open pack | `o#<source>` | `q` last number taken, `v` version, `u` when written, `b` rows, if any |
| full pack | `p#<source>#<version>` | `v`, `u`, `b` |
| day | `d#<dimension>#<first second>#<part>` | `v`, `b`: counters by value and hour |

A pack holds what was added since the last folding, a row for all groups that got the same. A day lies in PARTS items by
the digest of the value, so that none comes near the 400 kB that an item may have.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

from chalicelib.adapters.aws.dynamo.table import Item, Key, key_of
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.groups import MOST_VALUES, OTHERS, Dimension, Rows, add_counts
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import Counts

PARTS = 8
OPEN, FULL = "o#", "p#"
_LAST = "~"  # above every character that a source's name begins with
PACKS_BETWEEN = {":first": {"S": OPEN}, ":last": {"S": FULL + _LAST}}
# What nearly every pack contains; it never changes.
_WORDS = (
    b'"webhook":"failure":"outgoing\\tmailbox\\tHardFail\\t"later":"within_86400":"within_3600":"within_900":"within_300":'
    b'"within_60":"within_15":"within_5":"within_1":"opened_messages":"clicked_messages":"opens":"clicks":'
    b'"complaints":"unsubscribes":"released":"delays":"held":"soft_fails":"hard_fails":"bounces":"failed_messages":'
    b'"incoming":"spam":[[{"tag":"","domain":"gmail.com","stream":"transactional","credential":"","sender_domain":"",'
    b'"route":"","provider":"google"},17,{"outgoing":1}],{"sent":1,"within_5":1,"delivery_ms":1,"sent_messages":1,"t40":1}]]'
)
Values = dict[str, dict[str, dict[str, int]]]
"""Of a day: counters by value, and by the number of the hour."""


def partition_of(server: ServerId) -> str:
    """Where a server's items lie."""
    return f"S#{server}#GRP"


def open_key(server: ServerId, source: str) -> Key:
    """The key of a source's open pack."""
    return partition_of(server), f"{OPEN}{source}"


def full_item(server: ServerId, source: str, item: Item) -> Item:
    """An open pack's content as a full one."""
    version = int(item["v"]["N"])
    key = key_of(partition_of(server), f"{FULL}{source}#{version:012d}")
    return key | {name: item[name] for name in ("v", "u", "b")}


def day_key(server: ServerId, dimension: Dimension, value: str, hour: int) -> Key:
    """The key of the day's item in which a value is counted."""
    part = zlib.crc32(value.encode()) % PARTS
    return partition_of(server), f"d#{dimension}#{hour // DAY * DAY:010d}#{part}"


def days_between(dimension: Dimension, first: int, last: int) -> Item:
    """The keys of the days from one to another."""
    return {
        ":first": {"S": f"d#{dimension}#{first // DAY * DAY:010d}"},
        ":last": {"S": f"d#{dimension}#{last // DAY * DAY:010d}{_LAST}"},
    }


def day_of(item: Item) -> int:
    """The first second of a day's item."""
    return int(item["SK"]["S"].split("#")[2])


def render_rows(rows: Rows) -> bytes:
    """Rows as bytes."""
    return _pack([[dict(groups), hour, counts] for (groups, hour), counts in rows.items()])


def read_rows(item: Item | None) -> Rows:
    """The rows of a pack; none where it has none."""
    if item is None or "b" not in item:
        return {}
    found: Rows = {}
    for groups, hour, counts in _unpack(item["b"]["B"]):
        place = tuple((Dimension(name), value) for name, value in groups.items())
        found[place, hour] = counts
    return found


def render_values(values: Values) -> bytes:
    """A day's counters as bytes."""
    return _pack(values)


def read_values(item: Item | None) -> Values:
    """The counters of a day's item."""
    found: Values = {} if item is None else _unpack(item["b"]["B"])
    return found


def add_to_day(values: Values, sums: Mapping[tuple[Dimension, str, int], Counts]) -> None:
    """Add sums of one day and one item to its counters."""
    for (_, value, hour), counts in sums.items():
        full = len(values) >= MOST_VALUES // PARTS
        name = OTHERS if full and value not in values else value
        number = str(hour % DAY // HOUR)
        add_counts(values.setdefault(name, {}).setdefault(number, {}), counts)


def _pack(value: Any) -> bytes:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    made = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _WORDS)
    return made.compress(text.encode()) + made.flush()


def _unpack(packed: bytes) -> Any:
    opened = zlib.decompressobj(-15, _WORDS)
    return json.loads(opened.decompress(bytes(packed)) + opened.flush())
