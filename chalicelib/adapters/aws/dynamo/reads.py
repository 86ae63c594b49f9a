"""Reading messages from DynamoDB: by id, and the lists.

The base table is the newest-first list, merged from the server's shards; the other lists are a keys-only index and one
batch read. Reads by id are consistent. A list may lag by seconds and may miss a record that is moving.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.records import (
    DUE_SHARDS,
    flag_partition,
    key_of_record,
    log_partition,
    partition_of,
    read_delivery,
    read_record,
    recipient_partition,
    sort_key,
)
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table
from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.adapters.storage.listing import counts_against_recipient, due_at
from chalicelib.domain.errors import NotFound
from chalicelib.domain.flags import flag_of
from chalicelib.domain.model import Delivery, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.messages import Flagged

_HARD_FAILS_LOOKED_AT = 20


class MessageReads:
    """The reading half of the `MessageStore` port. `shards` says how many partitions a server's lists have."""

    def __init__(self, table: Table, shards: Shards) -> None:
        self._table = table
        self._shards = shards

    async def get(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> MessageRecord:
        """The record with its three newest deliveries; NotFound."""
        return read_record(await self._item(server, message, scope))

    async def get_many(self, refs: Sequence[tuple[ServerId, MessageId]]) -> list[MessageRecord]:
        """The records that exist, in the order asked."""
        found: dict[tuple[ServerId, MessageId], MessageRecord] = {}
        for one in _directions(None):
            missing = [ref for ref in dict.fromkeys(refs) if ref not in found]
            keys = [await self._key(server, one, message) for server, message in missing]
            items = await self._table.get_many(keys)
            found.update(
                {
                    ref: read_record(items[key])
                    for ref, key in zip(missing, keys, strict=True)
                    if key in items
                }
            )
        return [found[ref] for ref in refs if ref in found]

    async def deliveries(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> tuple[Delivery, ...]:
        """The whole log, oldest first."""
        try:
            item = await self._item(server, message, scope)
        except NotFound:
            return ()
        log = {delivery.id: delivery for delivery in read_record(item).deliveries}
        if "lm" in item:
            older = await self._table.query(
                ("PK", log_partition(server, message)),
                sort="begins_with(SK, :prefix)",
                values={":prefix": {"S": "D#"}},
                consistent=True,
            )
            log.update({one.id: one for one in (read_delivery(each["v"]["M"]) for each in older)})
        return tuple(log[number] for number in sorted(log))

    async def page(
        self, server: ServerId, scope: Scope, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, merged from the shards."""
        name = f"S#{server}#{scope}"
        before = None if cursor is None else parse_cursor(name, cursor)
        shards = range(await self._shards(server))
        lists = await asyncio.gather(
            *(
                self._newest(("PK", partition_of(server, scope, shard)), None, limit + 1, before)
                for shard in shards
            )
        )
        merged = sorted((item for one in lists for item in one), key=_sort_key, reverse=True)
        records = [read_record(item) for item in merged[:limit]]
        return _page(name, merged, limit, records)

    async def flagged(
        self, server: ServerId, scope: Scope, flag: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records with this flag."""
        name = f"S#{server}#{scope}#{flag}"
        before = None if cursor is None else parse_cursor(name, cursor)
        partition = ("fk", flag_partition(server, scope, flag))
        keys = await self._newest(partition, "flag", limit + 1, before)
        records = await self._records(keys[:limit])
        return _page(name, keys, limit, [one for one in records if flag_of(one) == flag])

    async def count_flagged(self, server: ServerId, scope: Scope, flag: str, most: int) -> Flagged:
        """Keys of the index, and the oldest record."""
        partition = ("fk", flag_partition(server, scope, flag))
        keys = await self._table.query(partition, index="flag", limit=most)
        for record in await self._records(keys[:1]):
            return Flagged(len(keys), record.message.received_at)
        return Flagged(len(keys))

    async def by_recipient(
        self, server: ServerId, address: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records for this recipient."""
        name = recipient_partition(server, address)
        before = None if cursor is None else parse_cursor(name, cursor)
        keys = await self._newest(("rk", name), "rcpt", limit + 1, before)
        return _page(name, keys, limit, await self._records(keys[:limit]))

    async def due(self, now: int, limit: int) -> list[MessageRecord]:
        """Records to wake, earliest first."""
        shards = await asyncio.gather(*(self._due_shard(n, now, limit) for n in range(DUE_SHARDS)))
        keys = sorted((item for one in shards for item in one), key=lambda i: int(i["du"]["N"]))
        records = await self._records(keys[:limit])
        ready = [(when, one) for one in records if (when := due_at(one)) is not None]
        ready.sort(key=lambda pair: pair[0])
        return [record for when, record in ready if when <= now]

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many of the newest twenty messages for this recipient failed for good since then."""
        partition = ("rk", recipient_partition(server, address))
        keys = await self._newest(partition, "rcpt", _HARD_FAILS_LOOKED_AT, None)
        return sum(
            counts_against_recipient(record) and record.message.received_at >= since
            for record in await self._records(keys)
        )

    async def _key(self, server: ServerId, scope: Scope, message: MessageId) -> Key:
        shards = await self._shards(server)
        return partition_of(server, scope, message % shards), sort_key(message)

    async def _item(self, server: ServerId, message: MessageId, scope: Scope | None) -> Item:
        for one in _directions(scope):
            item = await self._table.get(*await self._key(server, one, message))
            if item is not None:
                return item
        raise NotFound("There is no such message")

    async def _newest(
        self, partition: tuple[str, str], index: str | None, limit: int, before: int | None
    ) -> list[Item]:
        return await self._table.query(
            partition,
            index=index,
            limit=limit,
            forward=False,
            sort=None if before is None else "SK < :before",
            values=None if before is None else {":before": {"S": sort_key(before)}},
        )

    async def _due_shard(self, shard: int, now: int, limit: int) -> list[Item]:
        return await self._table.query(
            ("dk", f"DUE#{shard}"),
            index="due",
            limit=limit,
            sort="du <= :now",
            values={":now": {"N": str(now)}},
        )

    async def _records(self, keys: Sequence[Item]) -> list[MessageRecord]:
        wanted = [key_of_record(key) for key in keys]
        items = await self._table.get_many(wanted, consistent=False) if wanted else {}
        return [read_record(items[key]) for key in wanted if key in items]


def _directions(scope: Scope | None) -> tuple[Scope, ...]:
    """Where to look: each direction is a partition of its own, and an id of a client does not tell which."""
    return (Scope.OUTGOING, Scope.INCOMING) if scope is None else (scope,)


def _sort_key(item: Item) -> str:
    return str(item["SK"]["S"])


def _page(
    name: str, items: Sequence[Item], limit: int, records: Sequence[MessageRecord]
) -> Page[MessageRecord]:
    more = len(items) > limit
    last = int(_sort_key(items[limit - 1])) if more else 0
    return Page(tuple(records), render_cursor(name, last) if more else None)
