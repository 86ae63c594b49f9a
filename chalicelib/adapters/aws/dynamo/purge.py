"""Forgetting a server on AWS: its objects, then what hangs on its messages, the messages, and its small partitions.

Wake-ups in queues stay until they are due; whoever gets one of a server that is gone drops it.
"""

from __future__ import annotations

import asyncio

from chalicelib.adapters.aws.dynamo.imported_tokens import TOKEN_PARTITIONS
from chalicelib.adapters.aws.dynamo.records import log_partition, partition_of
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table
from chalicelib.adapters.aws.dynamo.unsubscribe_links import PARTITIONS
from chalicelib.adapters.aws.dynamo.webhook_deliveries import delivery_partitions
from chalicelib.adapters.aws.dynamo.webhook_lanes import LANES
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.purge import ServerPurge

MESSAGES = 100
ITEMS = 500
# Suppressions, jobs, reports, first answers, counters, bytes of contents, what happened, the list of events, limits and
# what they hold, webhooks, links to unsubscribe, tokens that were imported; then the numbers that were given out.
_SMALL = (
    *("SUP", "JOB", "REP", "I", "C", "N", "CON", "HAP", "LOG", "GRP", "LIM", "LST"),
    *delivery_partitions(),
    LANES,
    *PARTITIONS,
    *TOKEN_PARTITIONS,
)
_OF_ORGANIZATION = ("LIM", "LST")
_LAST = ("SEQ",)


class DynamoServerPurge(ServerPurge):
    """The `ServerPurge` port over the mail table and the bucket."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._bucket = settings.bucket
        self._table = Table(session, settings.mail_table)

    async def step(self, server: ServerId, shards: int) -> int:
        """A thousand objects of a kind, MESSAGES messages of each shard and ITEMS of each small partition."""
        gone = await self._objects(f"r/{server}/") + await self._objects(f"u/{server}/")
        gone += await self._objects(f"x/{server}/")
        for scope in Scope:
            for shard in range(shards):
                gone += await self._messages(server, scope, shard)
        gone += await self._partitions(f"S#{server}", _SMALL)
        if server < 0:
            gone += await self._partitions(f"O#{-server}", _OF_ORGANIZATION)
        return gone or await self._partitions(f"S#{server}", _LAST)

    async def _messages(self, server: ServerId, scope: Scope, shard: int) -> int:
        partition = partition_of(server, scope, shard)
        records = await self._table.query(("PK", partition), limit=MESSAGES, consistent=True)
        beside = await asyncio.gather(
            *(self._beside(server, MessageId(int(one["SK"]["S"]))) for one in records)
        )
        await self._table.delete_many([key for keys in beside for key in keys])
        await self._table.delete_many(_keys(records))
        return len(records)

    async def _beside(self, server: ServerId, message: MessageId) -> list[Key]:
        """What else there is of a message: older deliveries, links, opens and clicks."""
        partition = log_partition(server, message)
        return _keys(await self._table.query(("PK", partition), consistent=True))

    async def _partitions(self, owner: str, names: tuple[str, ...]) -> int:
        gone = 0
        for name in names:
            partition = ("PK", f"{owner}#{name}")
            found = await self._table.query(partition, limit=ITEMS, consistent=True)
            await self._table.delete_many(_keys(found))
            gone += len(found)
        return gone

    async def _objects(self, prefix: str) -> int:
        listed = await self._session.call(
            "s3", "list_objects_v2", Bucket=self._bucket, Prefix=prefix
        )
        keys = [{"Key": one["Key"]} for one in listed.get("Contents", ())]
        if keys:
            await self._session.call(
                "s3",
                "delete_objects",
                Bucket=self._bucket,
                Delete={"Objects": keys, "Quiet": True},
            )
        return len(keys)


def _keys(items: list[Item]) -> list[Key]:
    return [(one["PK"]["S"], one["SK"]["S"]) for one in items]
