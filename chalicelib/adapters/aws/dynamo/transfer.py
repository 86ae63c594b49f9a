"""Whole messages out of the mail table and into it.

Reading costs a query a message, storing 25 items a call: first what hangs on the messages, then their records, so that
a record that is there has all of it. What is written here names a move as its writing call, by which the reader of the
table's stream knows it (`changes.py`); the next change of the message writes its own name over that. A hit has its
place from what it tells, so that it is kept once however often it is brought. The index of mail is not told by that
stream; what fills it is, that there is something to tell of.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.adapters.aws.dynamo.engagement import (
    LINKS,
    hit_item,
    links_item,
    read_hit,
    read_links,
)
from chalicelib.adapters.aws.dynamo.records import (
    log_partition,
    message_item,
    older_delivery_item,
    read_delivery,
)
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import MOVED, Item, Table, is_over
from chalicelib.adapters.aws.lake.objects import LakeObjects
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.listing import NEWEST_KEPT
from chalicelib.config import Settings
from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.model import MessageRecord
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.transfer import MessageTransfer, WholeMessage


class DynamoMessageTransfer(MessageTransfer):
    """The `MessageTransfer` port over the mail table."""

    def __init__(
        self, session: AwsSession, settings: Settings, clock: Clock, rand: Rand, shards: Shards
    ) -> None:
        self._table = Table(session, settings.mail_table)
        self._lake = LakeObjects(session, settings)
        self._clock = clock
        self._rand = rand
        self._shards = shards

    async def whole(self, records: Sequence[MessageRecord]) -> list[WholeMessage]:
        """One query a message, of the partition in which everything else of it lies."""
        return list(await asyncio.gather(*(self._whole(record) for record in records)))

    async def add(self, messages: Sequence[WholeMessage]) -> None:
        """What hangs on them, then the records."""
        await self._table.put_many([item for one in messages for item in _beside(one)])
        await self._table.put_many([await self._item(one.record) for one in messages])
        if messages:
            await self._lake.fill_again()

    async def renew(self, before: MessageRecord, after: WholeMessage) -> bool:
        """Put what hangs on it, and the record if it is still as known."""
        await self._table.put_many(_beside(after))
        owner, values = "attribute_not_exists(lo)", {}
        if before.lease_owner:
            owner, values = "lo = :owner", {":owner": {"S": before.lease_owner}}
        values |= {":attempt": {"N": str(before.attempt)}, ":state": {"S": before.state.value}}
        item = await self._item(after.record)
        condition = f"a = :attempt AND ss = :state AND {owner}"
        is_done = (await self._table.put(item, condition, values)).held
        if is_done:
            await self._lake.fill_again()
        return is_done

    async def _whole(self, record: MessageRecord) -> WholeMessage:
        server, message = record.message.server_id, record.message.id
        log = {one.id: one for one in record.deliveries}
        links: tuple[str, ...] = ()
        until, hits, now = 0, [], self._clock.now()
        for item in await self._table.query(
            ("PK", log_partition(server, message)), consistent=True
        ):
            place = item["SK"]["S"]
            if place.startswith("D#"):
                delivery = read_delivery(item["v"]["M"])
                log[delivery.id] = delivery
            elif is_over(item, now):
                continue
            elif place == LINKS:
                links, until = read_links(item), int(item["x"]["N"])
            else:
                hits.append((read_hit(item), int(item["x"]["N"])))
        deliveries = tuple(log[number] for number in sorted(log))
        hits.sort(key=lambda one: (one[0].at, one[1]))  # their keys tell milliseconds
        return WholeMessage(replace(record, deliveries=deliveries), links, until, tuple(hits))

    async def _item(self, record: MessageRecord) -> Item:
        message = record.message
        shard = message.id % await self._shards(message.server_id)
        newest = replace(record, deliveries=record.deliveries[-NEWEST_KEPT:])
        item = message_item(newest, shard, f"{MOVED}{self._rand.bytes(6).hex()}")
        if len(record.deliveries) > NEWEST_KEPT:
            item["lm"] = {"BOOL": True}
        return item


def _beside(whole: WholeMessage) -> list[Item]:
    """The items of a message but its record."""
    server, message = whole.record.message.server_id, whole.record.message.id
    items = [
        older_delivery_item(server, message, one) for one in whole.record.deliveries[:-NEWEST_KEPT]
    ]
    if whole.links:
        items.append(links_item(server, message, whole.links, whole.links_until))
    same: Counter[EngagementEvent] = Counter()
    for hit, until in whole.hits:
        same[hit] += 1
        place = _digest(hit, same[hit])
        items.append(hit_item(server, message, hit, until, place) | {"n": {"S": MOVED}})
    return items


def _digest(hit: EngagementEvent, ordinal: int) -> str:
    """Eight hexadecimal digits for a hit, others for each that tells the same."""
    told = [hit.kind.value, hit.at, hit.address, hit.user_agent, hit.url, hit.automatic, ordinal]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()[:8]
