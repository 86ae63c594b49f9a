"""Suppressed recipients in the mail table, removed by TTL when over: a partition for each list.

| Item | PK | SK |
|---|---|---|
| entry | `S#<server>#SUP`, below zero for an organization | the address without case |
| entry of a stream | `S#<server>#SUP` | the address, a tab, the stream |
| that all have their place by time | `S#<server>#SUP` | `\t` |

By time they are found in the index `due` under the name of their partition: by their microsecond, behind which stand 18
digits that tell those of the same moment apart. Entries of an older release get their place there when the list is
first read by time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from chalicelib.adapters.aws.dynamo.happenings import telling
from chalicelib.adapters.aws.dynamo.suppression_items import (
    as_read,
    entry_item,
    first_at,
    partition_of,
    place_of,
    read_entry,
)
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.suppressed import (
    Found,
    asked_of,
    first_of,
    key_of_entry,
    key_of_name,
    keys_of_address,
    places_of,
    together,
)
from chalicelib.config import Settings
from chalicelib.domain.deeds import Beside
from chalicelib.domain.erasure import is_hashed
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.suppression import (
    Asked,
    Change,
    Name,
    Suppression,
    SuppressionFilter,
    acting_on,
)
from chalicelib.ports.suppressions import SuppressionList

_PLACED = "\t"
# That a list has entries of addresses that were erased.
_HAS_HASHED = "\t\t"
_MARKS = (_PLACED, _HAS_HASHED)
_WALKED = 1_000
_UNLESS_THERE = "attribute_not_exists(PK) OR x <= :now"
_AT_ONCE = 25


class DynamoSuppressionList(SuppressionList):
    """The `SuppressionList` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def listed(self, asked: Sequence[Asked], now: float) -> dict[Asked, Suppression]:
        """One batch read: a call for up to a hundred places."""
        if not asked:
            return {}
        places = {places_of(*named) for one in asked for named in acting_on(one)}
        owners = {owner for (owner, _), _ in places}
        marks = {(partition_of(owner), _HAS_HASHED): owner for owner in owners}
        plain = {(partition_of(owner), key): (owner, key) for (owner, key), _ in places}
        items = await self._table.get_many([*sorted(plain), *sorted(marks)], consistent=False)
        found = {
            plain[at]: read_entry(plain[at][0], one) for at, one in items.items() if at in plain
        }
        hidden = {marks[at] for at in items if at in marks}
        if hidden:  # addresses were erased there
            also = sorted(one for _, one in places if one[0] in hidden)
            found |= await self._these(also, now, consistent=False)
        acting = {key: entry for key, entry in found.items() if entry.keep_until > now}
        return first_of(asked, acting)

    async def get(
        self, owner: ServerId, names: Sequence[Name], now: float
    ) -> dict[Name, Suppression]:
        """A batch read that sees every write before it."""
        keys = {name: (owner, key_of_name(name)) for name in names}
        found = await self._these(list(keys.values()), now, consistent=True)
        return {name: found[key] for name, key in keys.items() if key in found}

    async def of(self, owner: ServerId, address: str, now: float) -> list[Suppression]:
        """One query."""
        first, last = keys_of_address(address)
        items = await self._table.query(
            ("PK", partition_of(owner)),
            sort="SK BETWEEN :first AND :last",
            values={":first": {"S": first}, ":last": {"S": last}},
            consistent=True,
        )
        return [one for one in (read_entry(owner, item) for item in items) if one.keep_until > now]

    async def put(
        self,
        owner: ServerId,
        entry: Suppression,
        before: Suppression | None,
        now: float,
        told: Sequence[Beside] = (),
    ) -> bool:
        """A conditional put; with what is told of it a transaction of the two."""
        if is_hashed(entry.address):
            await self._table.put(key_of(partition_of(owner), _HAS_HASHED))
        condition, values = _UNLESS_THERE, {":now": {"N": str(int(now))}}
        if before is not None:
            condition, values = as_read(owner, before)
        if not told:
            return (await self._table.put(entry_item(owner, entry), condition, values)).held
        action: dict[str, Any] = {
            "Item": entry_item(owner, entry),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        return await self._table.transact({"Put": action}, *telling(told)) is None

    async def put_all(self, owner: ServerId, changes: Sequence[Change], now: float) -> set[Name]:
        """A conditional put each, some at a time."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def is_put(one: Change) -> bool:
            async with gate:
                return await self.put(owner, one.entry, one.before, now)

        were_put = await asyncio.gather(*map(is_put, changes))
        return {one.name for one, was_put in zip(changes, were_put, strict=True) if not was_put}

    async def remove(
        self, owner: ServerId, before: Suppression, told: Sequence[Beside] = ()
    ) -> bool:
        """A conditional delete, in a transaction with what is told of it."""
        condition, values = as_read(owner, before)
        action = {
            "Key": key_of(partition_of(owner), key_of_entry(before)),
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }
        return await self._table.transact({"Delete": action}, *telling(told)) is None

    async def page(
        self,
        owners: Sequence[ServerId],
        wanted: SuppressionFilter,
        limit: int,
        now: float,
        position: str | None = None,
    ) -> Page[Suppression]:
        """A query of the index for each list, and a batch read of the entries that it finds."""
        before = _parse(position)
        if wanted.address is not None:
            few = [
                (owner, one)
                for owner in owners
                for one in await self.of(owner, wanted.address, now)
            ]
            left = [one for one in few if place_of(*one) < before]
            return Page(together([(left, None)], wanted, len(few) or 1, _position)[0])
        most = asked_of(wanted, limit)
        lists = await asyncio.gather(
            *(self._newest(owner, wanted, before, most, now) for owner in owners)
        )
        shown, end = together(lists, wanted, limit, _position)
        return Page(shown, None if end is None else str(end))

    async def walk(
        self, owner: ServerId, limit: int, now: float, position: str | None = None
    ) -> Page[Suppression]:
        """A range of the partition."""
        items = await self._partition_from(owner, position, limit)
        entries = (read_entry(owner, one) for one in items if one["SK"]["S"] not in _MARKS)
        last = items[-1]["SK"]["S"] if len(items) == limit else None
        return Page(tuple(one for one in entries if one.keep_until > now), last)

    async def count(self, owners: Sequence[ServerId], now: float) -> dict[str, int]:
        """A pass over the partitions, in pieces."""
        counted: dict[str, int] = {}
        for owner in owners:
            position: str | None = None
            while True:
                page = await self.walk(owner, _WALKED, now, position)
                for entry in page.values:
                    if is_hashed(entry.address):
                        continue
                    counted[entry.reason] = counted.get(entry.reason, 0) + 1
                if (position := page.next_cursor) is None:
                    break
        return counted

    async def _these(
        self, wanted: Sequence[tuple[ServerId, str]], now: float, *, consistent: bool
    ) -> dict[tuple[ServerId, str], Suppression]:
        keys = {(partition_of(owner), key): (owner, key) for owner, key in wanted}
        items = await self._table.get_many(list(keys), consistent=consistent)
        found = {keys[place]: read_entry(keys[place][0], item) for place, item in items.items()}
        # TTL removes late, so that an entry may still be there after its end.
        return {key: entry for key, entry in found.items() if entry.keep_until > now}

    async def _newest(
        self, owner: ServerId, wanted: SuppressionFilter, before: int, most: int, now: float
    ) -> tuple[list[Found], int | None]:
        await self._have_places(owner)
        until = before if wanted.until is None else min(before, first_at(wanted.until))
        since = 0 if wanted.since is None else first_at(wanted.since)
        if since >= until:
            return [], None
        keys = await self._table.query(
            ("dk", partition_of(owner)),
            sort="du BETWEEN :since AND :until",
            values={":since": {"N": str(since)}, ":until": {"N": str(until - 1)}},
            index="due",
            forward=False,
            limit=most,
        )
        names = [(owner, one["SK"]["S"]) for one in keys]
        found = await self._these(names, now, consistent=True)
        end = int(keys[-1]["du"]["N"]) if len(keys) == most else None
        shown = [(owner, found[name]) for name in names if name in found]
        return [one for one in shown if not is_hashed(one[1].address)], end

    async def _have_places(self, owner: ServerId) -> None:
        """Give entries of an older release their places by time, once for a list."""
        partition = partition_of(owner)
        if await self._table.get(partition, _PLACED, consistent=False):
            return
        position: str | None = None
        while True:
            items = await self._partition_from(owner, position, _WALKED)
            for item in items:
                if "du" not in item and item["SK"]["S"] not in _MARKS:
                    entry = read_entry(owner, item)
                    values = {":dk": {"S": partition}, ":du": {"N": str(place_of(owner, entry))}}
                    key = (partition, item["SK"]["S"])
                    await self._table.update(
                        key, "SET dk = :dk, du = :du", values, "attribute_exists(PK)"
                    )
            if len(items) < _WALKED:
                break
            position = items[-1]["SK"]["S"]
        await self._table.put(key_of(partition, _PLACED))

    async def _partition_from(
        self, owner: ServerId, position: str | None, limit: int
    ) -> list[Item]:
        partition = partition_of(owner)
        after: Key | None = None if position is None else (partition, position)
        return await self._table.query(("PK", partition), limit=limit, consistent=True, after=after)


def _position(found: Found) -> int:
    return place_of(*found)


def _parse(position: str | None) -> int:
    if position is None:
        return 10**37
    if not (position.isascii() and position.isdigit() and len(position) < 38):
        raise Rejected("The position is not one of this list")
    return int(position)
