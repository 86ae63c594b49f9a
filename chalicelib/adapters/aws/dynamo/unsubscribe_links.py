"""Links to unsubscribe in the mail table, which end with their time.

| Item | PK | SK |
|---|---|---|
| link | `S#<server>#U<message mod 8>` | the message, ten digits |

They are apart from what hangs on a message, because they outlive it, and in several partitions, because a broadcast
writes many at a time. DynamoDB removes an item up to days after its time; until then it is left out.
"""

from __future__ import annotations

import asyncio

from chalicelib.adapters.aws.dynamo.records import sort_key
from chalicelib.adapters.aws.dynamo.table import Item, Table, is_over
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
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
    return {
        "PK": {"S": _partition(link.server, link.message % SHARDS)},
        "SK": {"S": sort_key(link.message)},
        "r": {"S": link.recipient},
        "sm": {"S": link.stream},
        "x": {"N": str(link.keep_until)},
    }


def _link(server: ServerId, item: Item) -> UnsubscribeLink:
    message = MessageId(int(item["SK"]["S"]))
    until = int(item["x"]["N"])
    return UnsubscribeLink(server, message, item["r"]["S"], item["sm"]["S"], until)
