"""Imported tokens in the mail table, which end with their time.

| Item | PK | SK |
|---|---|---|
| token | `S#<server>#Y<shard>` | the token |

The shard follows from the token, so that an import writes to several partitions. DynamoDB removes an item up to days
after its time; until then it is left out.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.table import Item, Table, is_over
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens

SHARDS = 8
AT_ONCE = 500
TOKEN_PARTITIONS = tuple(f"Y{shard}" for shard in range(SHARDS))
"""What stands behind the server in the partitions of its tokens."""


class DynamoImportedTokens(ImportedTokens):
    """The `ImportedTokens` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def keep(self, tokens: Sequence[ImportedToken]) -> None:
        """One write unit each, 25 in a call."""
        items = {(one.server, one.token): _item(one) for one in tokens}
        await self._table.put_many(list(items.values()))

    async def get(self, server: ServerId, token: str, now: float) -> ImportedToken:
        """One read."""
        item = None
        if token and token.isascii():
            item = await self._table.get(_partition(server, _shard(token)), token)
        if item is None or is_over(item, now):
            raise NotFound("There is no such token")
        return _token(server, item)

    async def page(
        self, server: ServerId, now: float, cursor: str | None = None
    ) -> Page[ImportedToken]:
        """AT_ONCE items of one partition after the other; the cursor says where it goes on."""
        shard, _, after = (cursor or "0 ").partition(" ")
        items = await self._items(server, int(shard), after)
        found = tuple(_token(server, item) for item in items if not is_over(item, now))
        if len(items) == AT_ONCE:
            return Page(found, f"{shard} {items[-1]['SK']['S']}")
        return Page(found, f"{int(shard) + 1} " if int(shard) + 1 < SHARDS else None)

    async def forget(self, server: ServerId, recipient: str) -> list[MessageId]:
        """By reading all of them."""
        wanted, gone = recipient.lower(), []
        for shard in range(SHARDS):
            after, more = "", True
            while more:
                items = await self._items(server, shard, after)
                ours = [one for one in items if wanted and one.get("r") == {"S": wanted}]
                gone += [MessageId(int(one["m"]["N"])) for one in ours]
                await self._table.delete_many([(one["PK"]["S"], one["SK"]["S"]) for one in ours])
                more = len(items) == AT_ONCE
                after = items[-1]["SK"]["S"] if items else ""
        return sorted(gone)

    async def _items(self, server: ServerId, shard: int, after: str) -> list[Item]:
        partition = _partition(server, shard)
        return await self._table.query(
            ("PK", partition),
            limit=AT_ONCE,
            consistent=True,
            after=(partition, after) if after else None,
        )


def _shard(token: str) -> int:
    return zlib.crc32(token.encode()) % SHARDS


def _partition(server: ServerId, shard: int) -> str:
    return f"S#{server}#{TOKEN_PARTITIONS[shard]}"


def _item(one: ImportedToken) -> Item:
    item = {
        "PK": {"S": _partition(one.server, _shard(one.token))},
        "SK": {"S": one.token},
        "m": {"N": str(one.message)},
        "x": {"N": str(one.keep_until)},
    }
    if one.link:
        item["l"] = {"N": str(one.link)}
    if one.recipient:
        item["r"] = {"S": one.recipient}
    return item


def _token(server: ServerId, item: Item) -> ImportedToken:
    return ImportedToken(
        server,
        item["SK"]["S"],
        MessageId(int(item["m"]["N"])),
        int(item["x"]["N"]),
        int(item["l"]["N"]) if "l" in item else 0,
        item["r"]["S"] if "r" in item else "",
    )
