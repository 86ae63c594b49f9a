"""Folding packs of counters into the items of their days: once an hour, each step one transaction.

A step removes what it takes from the packs, and adds it to the days, or does nothing: a process that dies anywhere has
counted nothing twice. An open pack is taken only when nothing was added for IDLE_SECONDS; its last number stays as long
as the stream could bring its records again. Steps are of a bounded size: what does not fit stays in its pack.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.group_items import (
    FULL,
    PACKS_BETWEEN,
    add_to_day,
    day_key,
    partition_of,
    read_rows,
    read_values,
    render_rows,
    render_values,
)
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, key_of
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.errors import Contended
from chalicelib.domain.groups import Dimension, Rows, Sums, add_counts, spread
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.clock import Clock

IDLE_SECONDS = HOUR
# Packs wait for others, since a day's item costs the same however many are folded into it.
WAIT_SECONDS = 6 * HOUR
MANY = 10
MOST_PACKS = 30
MOST_DAYS = 60  # a transaction has a hundred items
MOST_BYTES = 3_000_000  # of the 4 MB that a transaction may have
MOST_READ = 200
NUMBER_KEPT_SECONDS = 2 * DAY
Place = tuple[Dimension, str, int]


class GroupFold:
    """Folds the packs of a server."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table = table
        self._clock = clock

    async def run(self, server: ServerId) -> int:
        """One step; how many packs it took something from. Nought when it is not worth while, or met somebody else."""
        packs = await self._waiting(server)
        if not packs:
            return 0
        while True:
            sums = _sums(packs)
            keys = {day_key(server, *place) for place in sums}
            if len(packs) == 1 or len(keys) <= MOST_DAYS:
                break
            packs = packs[: len(packs) // 2]
        days = await self._table.get_many(sorted(keys)[:MOST_DAYS])
        actions, taken = self._actions(server, packs, sums, sorted(keys)[:MOST_DAYS], days)
        try:
            done = await self._table.transact(*actions) is None
        except Contended:
            return 0
        return taken if done else 0

    async def _waiting(self, server: ServerId) -> list[Item]:
        """The packs to fold: full ones and forgotten ones, if there are many or some are old."""
        partition, between = ("PK", partition_of(server)), "SK BETWEEN :first AND :last"
        found = await self._table.query(
            partition, sort=between, values=PACKS_BETWEEN, limit=MOST_READ, consistent=True
        )
        now = self._clock.now()
        packs = [
            one for one in found if "b" in one and (_is_full(one) or _age(one, now) >= IDLE_SECONDS)
        ]
        worth_while = len(packs) >= MANY or any(_age(one, now) >= WAIT_SECONDS for one in packs)
        return packs[:MOST_PACKS] if worth_while else []

    def _actions(
        self,
        server: ServerId,
        packs: Sequence[Item],
        sums: Sums,
        keys: Sequence[Key],
        days: dict[Key, Item],
    ) -> tuple[list[dict[str, Any]], int]:
        """The transaction, and how many packs it empties or shortens."""
        by_day: defaultdict[Key, Sums] = defaultdict(dict)
        for place, counts in sums.items():
            by_day[day_key(server, *place)][place] = counts
        actions: list[dict[str, Any]] = []
        size = sum(len(one["b"]["B"]) for one in packs)
        for key in keys:
            known = days.get(key)
            values = read_values(known)
            add_to_day(values, by_day[key])
            packed = render_values(values)
            size += len(packed)
            if actions and size > MOST_BYTES:
                break
            del by_day[key]
            actions.append(_put(key_of(*key) | {"b": {"B": packed}}, known))
        if not by_day:
            return actions + [self._emptied(one) for one in packs], len(packs)
        left = {place for sums in by_day.values() for place in sums}
        return actions + [self._shortened(one, left) for one in packs], len(packs)

    def _shortened(self, pack: Item, left: Collection[Place]) -> dict[str, Any]:
        """What is left of a pack stays in it, which so never becomes larger."""
        rows: Rows = {}
        for (groups, hour), counts in read_rows(pack).items():
            kept = tuple(one for one in groups if (*one, hour) in left)
            if kept:
                add_counts(rows.setdefault((kept, hour), {}), counts)
        if not rows:
            return self._emptied(pack)
        return _put(pack | {"b": {"B": render_rows(rows)}}, pack)

    def _emptied(self, pack: Item) -> dict[str, Any]:
        """A full pack goes; of an open one the last number stays."""
        if _is_full(pack):
            key = key_of(pack["PK"]["S"], pack["SK"]["S"])
            return {"Delete": {"Key": key, **_unchanged(pack)}}
        ends = {"N": str(int(self._clock.now()) + NUMBER_KEPT_SECONDS)}
        rest = {name: value for name, value in pack.items() if name != "b"}
        return _put(rest | {"x": ends}, pack)


def _sums(packs: Sequence[Item]) -> Sums:
    found: Sums = {}
    for pack in packs:
        for place, counts in spread(read_rows(pack)).items():
            add_counts(found.setdefault(place, {}), counts)
    return found


def _put(item: Item, known: Item | None) -> dict[str, Any]:
    """Write an item in its next version, if it is as known."""
    version = 1 if known is None else 1 + int(known["v"]["N"])
    if known is None:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(v)"}
    else:
        condition = _unchanged(known)
    return {"Put": {"Item": item | {"v": {"N": str(version)}}, **condition}}


def _unchanged(item: Item) -> dict[str, Any]:
    return {"ConditionExpression": "v = :known", "ExpressionAttributeValues": {":known": item["v"]}}


def _is_full(item: Item) -> bool:
    return bool(item["SK"]["S"].startswith(FULL))


def _age(item: Item, now: float) -> float:
    return now - float(item["u"]["N"])
