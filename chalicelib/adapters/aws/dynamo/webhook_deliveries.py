"""Deliveries to webhooks in the mail table.

| Item | PK | SK |
|---|---|---|
| delivery | `S#<server>#W<shard>` | its id |

`b` is the delivery and its payload, packed; `v` its version; `x` ends it. While it waits it stands in the index `due`
under `WD#<webhook>` (`dk`, `du`), but for its first attempt, of which the lane's wake-up tells by its id: so one that
succeeds at once is two puts and no entry of an index.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.adapters.aws.dynamo.packed import pack, unpack
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, is_over, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.cursors import parse_name_cursor, render_name_cursor
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.webhooks.delivery import DeliveryFilter, WebhookDelivery
from chalicelib.ports.clock import Clock
from chalicelib.ports.webhook_deliveries import WebhookDeliveries

SHARDS = 4
MOST_READ = 300
MOST_AT_ONCE = 32
_NEW = "attribute_not_exists(PK)"
_SAME = "v = :before"
_PAYLOAD = b"\n"


class DynamoWebhookDeliveries(WebhookDeliveries):
    """The `WebhookDeliveries` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._table = Table(session, settings.mail_table)
        self._kept = settings.webhook_days * DAY
        self._clock = clock

    async def add(self, deliveries: Sequence[WebhookDelivery]) -> list[bool]:
        """One conditional put each, some at a time."""
        found: list[bool] = []
        for start in range(0, len(deliveries), MOST_AT_ONCE):
            some = deliveries[start : start + MOST_AT_ONCE]
            put = await asyncio.gather(*(self._table.put(self._item(one), _NEW) for one in some))
            found += [one.held for one in put]
        return found

    async def get(self, server: ServerId, delivery: str) -> WebhookDelivery:
        """One read; NotFound."""
        item = await self._table.get(*_key(server, delivery))
        if item is None or is_over(item, self._clock.now()):
            raise NotFound("There is no such delivery")
        return _read(item)

    async def page(
        self, server: ServerId, wanted: DeliveryFilter, limit: int, cursor: str | None = None
    ) -> Page[WebhookDelivery]:
        """Newest first, merged from the shards; a page may be short when much is left out."""
        listing = f"S#{server}#webhook-deliveries"
        before = None if cursor is None else parse_name_cursor(listing, cursor)
        most = limit + 1 if wanted == DeliveryFilter() else MOST_READ
        shards = await asyncio.gather(
            *(self._newest(partition, most, before) for partition in _partitions(server))
        )
        # Where a shard ended early, what the others have beyond that is left for the next page.
        ends = [items[-1]["SK"]["S"] for items in shards if len(items) == most]
        end = max(ends, default="")
        merged = sorted((one for items in shards for one in items), key=_id, reverse=True)
        now = self._clock.now()
        seen = [one for one in merged if _id(one) >= end]
        read = [_read(one) for one in seen if not is_over(one, now)]
        found = [one for one in read if wanted.passes(one)]
        if len(found) > limit:
            return Page(tuple(found[:limit]), render_name_cursor(listing, found[limit - 1].id))
        return Page(tuple(found), render_name_cursor(listing, end) if end else None)

    async def due(
        self, server: ServerId, webhook: str, now: float, limit: int, fresh: Sequence[str] = ()
    ) -> list[WebhookDelivery]:
        """By the index, which lags and has none that is new, and the fresh ones by their keys."""
        listed = await self._table.query(
            ("dk", _lane(webhook)),
            index="due",
            limit=limit,
            sort="du <= :now",
            values={":now": {"N": repr(now)}},
        )
        keys = [(one["PK"]["S"], one["SK"]["S"]) for one in listed]
        keys += [_key(server, one) for one in fresh[:limit]]
        items = await self._table.get_many(keys) if keys else {}
        read = [_read(items[key]) for key in dict.fromkeys(keys) if key in items]
        ready = [(at, one.id, one) for one in read if (at := one.due_at) is not None and at <= now]
        return [one for _, _, one in sorted(ready, key=lambda each: each[:2])][:limit]

    async def next_due(self, server: ServerId, webhook: str) -> float | None:
        """The first of the index."""
        listed = await self._table.query(("dk", _lane(webhook)), index="due", limit=1)
        return float(listed[0]["du"]["N"]) if listed else None

    async def replace(self, before: WebhookDelivery, after: WebhookDelivery) -> bool:
        """One put under the condition of its version."""
        item = self._item(replace(after, version=before.version + 1))
        written = await self._table.put(item, _SAME, {":before": {"N": str(before.version)}})
        # The call may have been repeated after its answer was lost.
        return written.held or written.item.get("b") == item["b"]

    async def _newest(self, partition: str, limit: int, before: str | None) -> list[Item]:
        return await self._table.query(
            ("PK", partition),
            sort=None if before is None else "SK < :before",
            values=None if before is None else {":before": {"S": before}},
            limit=limit,
            forward=False,
            consistent=True,
        )

    def _item(self, one: WebhookDelivery) -> Item:
        text = render_value(replace(one, payload=b"", version=0)).encode()
        item = key_of(*_key(one.server_id, one.id)) | {
            "b": {"B": pack(text + _PAYLOAD + one.payload)},
            "v": {"N": str(one.version)},
            "x": {"N": str(int(one.created_at) + self._kept)},
        }
        if one.version and (due := one.due_at) is not None:
            item |= {"dk": {"S": _lane(one.webhook)}, "du": {"N": repr(due)}}
        return item


def delivery_partitions() -> tuple[str, ...]:
    """The names that a server's partitions of deliveries have."""
    return tuple(f"W{shard}" for shard in range(SHARDS))


def _partitions(server: ServerId) -> list[str]:
    return [f"S#{server}#{name}" for name in delivery_partitions()]


def _key(server: ServerId, delivery: str) -> Key:
    return f"S#{server}#W{zlib.crc32(delivery.encode()) % SHARDS}", delivery


def _lane(webhook: str) -> str:
    return f"WD#{webhook}"


def _id(item: Item) -> str:
    return str(item["SK"]["S"])


def _read(item: Item) -> WebhookDelivery:
    text, _, payload = unpack(bytes(item["b"]["B"])).partition(_PAYLOAD)
    found = parse_value(WebhookDelivery, text.decode())
    return replace(found, payload=payload, version=int(item["v"]["N"]))
