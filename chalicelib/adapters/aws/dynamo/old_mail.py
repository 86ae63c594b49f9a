"""The oldest messages of the mail table, and forgetting them: what hangs on a message first, then the message."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.records import (
    log_partition,
    partition_of,
    read_record,
    sort_key,
)
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import MOVED, Item, Key, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.listing import NEWEST_KEPT
from chalicelib.config import Settings
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.model import BlobRef, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.report import Report
from chalicelib.ports.old_mail import OldMail

AT_ONCE = 10
_UNSAID = {"S": f"{MOVED}#unsaid"}
# That a body lies elsewhere is told to nobody, as what a move brings.
_ELSEWHERE = "SET k = :key, ko = :offset, kl = :length, n = :moved"
_FROM_START = "SET k = :key, kl = :length, n = :moved REMOVE ko"
_SAME = "k = :was AND kl = :was_length AND "


class DynamoOldMail(OldMail):
    """The `OldMail` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, shards: Shards) -> None:
        self._table = Table(session, settings.mail_table)
        self._shards = shards

    async def oldest(self, server: ServerId, after: int, limit: int) -> list[MessageRecord]:
        """A query of each shard of both directions, merged."""
        shards = range(await self._shards(server))
        lists = await asyncio.gather(
            *(
                self._table.query(
                    ("PK", partition_of(server, scope, shard)),
                    limit=limit,
                    sort="SK > :after",
                    values={":after": {"S": sort_key(after)}},
                )
                for scope in Scope
                for shard in shards
            )
        )
        merged = sorted((one for each in lists for one in each), key=lambda one: one["SK"]["S"])
        return [read_record(item) for item in merged[:limit]]

    async def forget(self, records: Sequence[MessageRecord]) -> None:
        """Queries for what hangs on each, then deletions by batches, the messages' own at the end."""
        keys: list[Key] = []
        for start in range(0, len(records), AT_ONCE):
            some = records[start : start + AT_ONCE]
            found = await asyncio.gather(
                *(self._beside(one.message.server_id, one.message.id) for one in some)
            )
            keys += [key for each in found for key in each]
        await self._table.delete_many(list(dict.fromkeys(keys)))
        await self._table.delete_many([await self._key(one) for one in records])

    async def forget_conversations(self, records: Sequence[MessageRecord]) -> None:
        """An update of each that has some, those in older deliveries first."""
        with_some = [one for one in records if len(one.deliveries) >= NEWEST_KEPT or _said_in(one)]
        for start in range(0, len(with_some), AT_ONCE):
            await asyncio.gather(*map(self._unsay, with_some[start : start + AT_ONCE]))

    async def _unsay(self, record: MessageRecord) -> None:
        message = record.message
        if len(record.deliveries) >= NEWEST_KEPT:
            older = await self._table.query(
                ("PK", log_partition(message.server_id, message.id)),
                sort="begins_with(SK, :prefix)",
                values={":prefix": {"S": "D#"}},
            )
            for item in older:
                if "cv" in item["v"]["M"]:
                    key = (item["PK"]["S"], item["SK"]["S"])
                    await self._table.update(key, "REMOVE v.cv", {}, "attribute_exists(PK)")
        key = await self._key(record)
        while places := _said_in(record):
            values: Item = {f":d{at}": {"N": str(number)} for at, number in places.items()}
            written = await self._table.update(
                key,
                "SET n = :unsaid REMOVE " + ", ".join(f"l[{at}].cv" for at in places),
                values | {":unsaid": _UNSAID},
                " AND ".join(f"l[{at}].i = :d{at}" for at in places),
            )
            if written.held or not written.item:
                return
            record = read_record(written.item)  # the log has grown

    async def put_elsewhere(self, record: MessageRecord, place: BlobRef) -> bool:
        """One conditional update."""
        was = record.message.blob
        values = {
            ":key": {"S": place.key},
            ":length": {"N": str(place.length)},
            ":moved": {"S": MOVED},
            ":was": {"S": was.key},
            ":was_length": {"N": str(was.length)},
        }
        if place.offset:
            values[":offset"] = {"N": str(place.offset)}
        if was.offset:
            values[":was_offset"] = {"N": str(was.offset)}
        written = await self._table.update(
            await self._key(record),
            _ELSEWHERE if place.offset else _FROM_START,
            values,
            _SAME + ("ko = :was_offset" if was.offset else "attribute_not_exists(ko)"),
        )
        return written.held

    async def _beside(self, server: ServerId, message: MessageId) -> list[Key]:
        """Older deliveries, links, opens and clicks, and both items of each report."""
        hanging, reports = await asyncio.gather(
            self._table.query(("PK", log_partition(server, message)), consistent=True),
            self._table.query(
                ("PK", f"S#{server}#REP"),
                sort="begins_with(SK, :prefix)",
                values={":prefix": {"S": f"M#{message:010d}#"}},
                consistent=True,
            ),
        )
        keys = [(one["PK"]["S"], one["SK"]["S"]) for one in hanging]
        for report in reports:
            number = parse_value(Report, report["v"]["S"]).id
            keys += [
                (report["PK"]["S"], f"N#{number:010d}"),
                (report["PK"]["S"], report["SK"]["S"]),
            ]
        return keys

    async def _key(self, record: MessageRecord) -> Key:
        message = record.message
        shard = message.id % await self._shards(message.server_id)
        return partition_of(message.server_id, message.scope, shard), sort_key(message.id)


def _said_in(record: MessageRecord) -> dict[int, int]:
    """Where in the list of an item deliveries have conversations, with their ids."""
    return {at: one.id for at, one in enumerate(record.deliveries) if one.conversation is not None}
