"""Links to unsubscribe in the mail table, which end with their time.

| Item | PK | SK |
|---|---|---|
| link | `S#<server>#U<message mod 8>` | the message, ten digits |

They are apart from what hangs on a message, because they outlive it, and in several partitions, because a broadcast
writes many at a time. DynamoDB removes an item up to days after its time; until then it is left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.happenings import telling
from chalicelib.adapters.aws.dynamo.records import sort_key
from chalicelib.adapters.aws.dynamo.table import Item, Table, is_over, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.deeds import Beside
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks

SHARDS = 8
AT_ONCE = 500
PARTITIONS = tuple(f"U{shard}" for shard in range(SHARDS))
"""What stands behind the server in the partitions of its links."""


class DynamoUnsubscribeLinks(UnsubscribeLinks):
    """The `UnsubscribeLinks` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def keep(self, *links: UnsubscribeLink) -> None:
        """A put of one write unit each."""
        await asyncio.gather(*(self._table.put(_item(one)) for one in links))

    async def get(self, server: ServerId, message: MessageId, now: float) -> UnsubscribeLink:
        """One read."""
        item = await self._table.get(_partition(server, message % SHARDS), sort_key(message))
        if item is None or is_over(item, now):
            raise NotFound("There is no such link")
        return _link(server, item)

    async def mark(self, link: UnsubscribeLink, at: float, told: Sequence[Beside]) -> bool:
        """A conditional update, in a transaction with what is told of it."""
        key = key_of(_partition(link.server, link.message % SHARDS), sort_key(link.message))
        update = {
            "Key": key,
            "UpdateExpression": "SET un = :at",
            "ConditionExpression": "attribute_exists(PK) AND attribute_not_exists(un)",
            "ExpressionAttributeValues": {":at": {"N": repr(at)}},
        }
        return await self._table.transact({"Update": update}, *telling(told)) is None

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[UnsubscribeLink]:
        """AT_ONCE items of one partition after the other; the cursor says where it goes on."""
        shard, _, after = (cursor or "0 ").partition(" ")
        partition = _partition(server, int(shard))
        items = await self._table.query(
            ("PK", partition),
            limit=AT_ONCE,
            consistent=True,
            after=(partition, after) if after else None,
        )
        found = tuple(_link(server, item) for item in items if not is_over(item, now))
        if len(items) == AT_ONCE:
            return Page(found, f"{shard} {items[-1]['SK']['S']}")
        return Page(found, f"{int(shard) + 1} " if int(shard) + 1 < SHARDS else None)


def _partition(server: ServerId, shard: int) -> str:
    return f"S#{server}#{PARTITIONS[shard]}"


def _item(link: UnsubscribeLink) -> Item:
    item: Item = {
        **key_of(_partition(link.server, link.message % SHARDS), sort_key(link.message)),
        "r": {"S": link.recipient},
        "sm": {"S": link.stream},
        "x": {"N": str(link.keep_until)},
    }
    if link.unsubscribed_at is not None:
        item["un"] = {"N": repr(link.unsubscribed_at)}
    return item


def _link(server: ServerId, item: Item) -> UnsubscribeLink:
    message = MessageId(int(item["SK"]["S"]))
    until, at = int(item["x"]["N"]), float(item["un"]["N"]) if "un" in item else None
    return UnsubscribeLink(server, message, item["r"]["S"], item["sm"]["S"], until, at)
