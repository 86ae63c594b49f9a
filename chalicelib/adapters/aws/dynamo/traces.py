"""Taking an address out of the small partitions of a server, and out of the bucket, a page of items at a time.

A wake-up in a queue cannot be looked for; it comes within `wake_up_seconds`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

from chalicelib.adapters.aws.dynamo.packed import unpack
from chalicelib.adapters.aws.dynamo.table import Item, Table
from chalicelib.adapters.aws.dynamo.unsubscribe_links import PARTITIONS
from chalicelib.adapters.aws.dynamo.webhook_deliveries import delivery_partitions
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.erased_jobs import without
from chalicelib.adapters.storage.packs import packs, read_pack, render_occurrence
from chalicelib.config import Settings
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import Contended
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.traces import Step, Traces

ITEMS = 100
FILES = 10
MOST_TRIES = 8
_EVENTS = ("LOG", "HAP", *delivery_partitions())
_OTHERS = ("I", "JOB", *PARTITIONS)
_NAMES = (*_EVENTS, *_OTHERS)
_FOLDERS = ("u", "x")
# Binary attributes, by what they are packed with.
_UNPACKED: dict[str, Callable[[bytes], bytes]] = {"I": zlib.decompress, "JOB": zlib.decompress}


class DynamoTraces(Traces):
    """The `Traces` port over the mail table and the bucket, which is not all that there is."""

    # The longest delay of a queue, and an attempt.
    wake_up_seconds = 900 + 420

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._bucket = settings.bucket
        self._table = Table(session, settings.mail_table)

    async def step(self, owner: ServerId, sought: Sought, position: str | None) -> Step:
        """A page of a partition, or some files of a folder."""
        number, _, after = (position or "0/").partition("/")
        at = int(number)
        if at >= len(_NAMES):
            return await self._files(owner, sought, at, after)
        name = _NAMES[at]
        partition = f"S#{owner}#{name}"
        items = await self._table.query(
            ("PK", partition),
            limit=ITEMS,
            consistent=True,
            after=(partition, after) if after else None,
        )
        changed = 0
        for item in items:
            changed += await self._take_out(owner, name, sought, item)
        last = f"{at}/{items[-1]['SK']['S']}" if len(items) == ITEMS else f"{at + 1}/"
        return Step(changed, 0, last) if name in _EVENTS else Step(0, changed, last)

    async def scrub(self) -> None:
        """What is deleted here is nowhere else but in copies as of an earlier time, which age."""

    async def _take_out(self, owner: ServerId, name: str, sought: Sought, item: Item) -> int:
        """Whether an item was changed or deleted."""
        after = _changed(owner, name, sought, item)
        if after == item:
            return 0
        if after is None:
            await self._table.delete_many([(item["PK"]["S"], item["SK"]["S"])])
            return 1
        if name == "JOB" and "rv" in item:
            return await self._change_job(owner, sought, item, after)
        await self._table.put(after, "attribute_exists(PK)")
        return 1

    async def _change_job(self, owner: ServerId, sought: Sought, item: Item, after: Item) -> int:
        """Put a job in place of the version that was read; TemporaryFailure when it changes all the time."""
        for _ in range(MOST_TRIES):
            values = {":version": item["rv"]}
            if (await self._table.put(after, "rv = :version", values)).held:
                return 1
            fresh = await self._table.get(item["PK"]["S"], item["SK"]["S"])
            if fresh is None:
                return 0
            item, after = fresh, _of_job(sought, fresh)
        raise Contended("A job is changing, try again")

    async def _files(self, owner: ServerId, sought: Sought, at: int, after: str) -> Step:
        folder = _FOLDERS[at - len(_NAMES)]
        more: dict[str, Any] = {"StartAfter": after} if after else {}
        listed = await self._session.call(
            "s3",
            "list_objects_v2",
            Bucket=self._bucket,
            Prefix=f"{folder}/{owner}/",
            MaxKeys=FILES,
            **more,
        )
        keys = [one["Key"] for one in listed.get("Contents", ())]
        gone = 0
        for key in keys:
            content: bytes = await self._session.call(
                "s3", "get_object", then=_body, Bucket=self._bucket, Key=key
            )
            if sought.is_in_bytes(content):
                await self._session.call(
                    "s3",
                    "delete_objects",
                    Bucket=self._bucket,
                    Delete={"Objects": [{"Key": key}], "Quiet": True},
                )
                gone += 1
        if listed.get("IsTruncated"):
            return Step(0, gone, f"{at}/{keys[-1]}")
        return Step(0, gone, f"{at + 1}/" if folder != _FOLDERS[-1] else None)


def _changed(owner: ServerId, name: str, sought: Sought, item: Item) -> Item | None:
    """An item without the address; None where it goes."""
    if name == "LOG":
        return _log(owner, sought, item)
    if name in ("I", "HAP", *delivery_partitions()):
        return None if any(sought.is_in(text) for text in _texts(name, item)) else item
    if name == "JOB" and "v" in item:
        return _of_job(sought, item)
    return {
        field: _without(sought, value) if field not in ("PK", "SK") else value
        for field, value in item.items()
    }


def _of_job(sought: Sought, item: Item) -> Item:
    text = without(sought, item["v"]["S"])
    if text == item["v"]["S"]:
        return item
    return item | {"v": {"S": text}, "rv": {"N": str(parse_value(Job, text).version)}}


def _log(owner: ServerId, sought: Sought, item: Item) -> Item | None:
    if "b" not in item:
        return item
    occurrences = read_pack(owner, item["b"]["B"])
    left = [one for one in occurrences if not sought.is_in(render_occurrence(one))]
    if len(left) == len(occurrences):
        return item
    return {**item, "b": {"B": next(packs(left))}} if left else None


def _texts(name: str, item: Item) -> list[str]:
    unpacked = _UNPACKED.get(name, unpack)
    texts = [value["S"] for value in item.values() if "S" in value]
    packed = [value["B"] for value in item.values() if "B" in value]
    return texts + [unpacked(one).decode("utf-8", "replace") for one in packed]


def _without(sought: Sought, value: dict[str, Any]) -> dict[str, Any]:
    if "S" in value:
        return {"S": sought.replaced(value["S"])} if sought.is_in(value["S"]) else value
    if "B" in value:
        text = zlib.decompress(value["B"]).decode()
        return {"B": zlib.compress(sought.replaced(text).encode())} if sought.is_in(text) else value
    return value


def _body(answer: Any) -> bytes:
    body: bytes = answer["Body"].read()
    return body
