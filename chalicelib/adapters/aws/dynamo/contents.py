"""Objects of contents given back, and how many bytes there are of them.

A body lies in the object of its request or group commit, which no other server shares. An object goes with the last of
its bodies; what is needed of one of which others are gone is put elsewhere first, by whoever asked. Removed objects
are gone for good: the bucket keeps no versions. Bytes are counted as they are put, an item a server and day
(`S#<server>#CON`), and listed once more when the day is over.
"""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from chalicelib.adapters.aws.dynamo.table import Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.contents import Contents, Existing

_AT_ONCE = 1_000
_DAY = re.compile(r"r/-?\d+/(\d{8})/")
# What is put under a day comes within it, but for what a clock is behind.
_SETTLED_SECONDS = 2 * DAY


class S3Contents(Contents):
    """The `Contents` port over one bucket and the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._session = session
        self._bucket = settings.bucket
        self._table = Table(session, settings.mail_table)

    async def counted(self, server: ServerId) -> int:
        """One query."""
        return max(0, sum((await self._counted(server)).values()))

    async def days(self, server: ServerId) -> Mapping[str, int]:
        """One query of what was counted, and the days that the bucket has."""
        counted = await self._counted(server)
        return {day: counted.get(day, 0) for day in sorted({*counted, *await self._listed(server)})}

    async def existing(self, server: ServerId, day: str) -> Existing:
        """The objects of the day, listed once."""
        keys = {key async for key, _ in self._objects(server, day)}
        return lambda body: body.length > 0 and body.key in keys

    async def remove(
        self, server: ServerId, bodies: Collection[BlobRef], needed: Collection[BlobRef]
    ) -> list[str]:
        """Delete the objects of which nothing is needed."""
        kept = {one.key for one in needed if one.length}
        keys = sorted({one.key for one in bodies if one.length and one.key})
        await self._delete(server, [key for key in keys if key not in kept])
        await self._count_less(server, [one for one in set(bodies) if one.key not in kept])
        return [key for key in keys if key in kept]

    async def size(self, key: str) -> int:
        """One look at the object."""
        from botocore.exceptions import ClientError

        try:
            facts = await self._session.call(
                "s3", "head_object", expected=("404", "NoSuchKey"), Bucket=self._bucket, Key=key
            )
        except ClientError:
            return 0
        return int(facts["ContentLength"])

    async def drop(self, server: ServerId, key: str) -> None:
        """Delete one object."""
        await self._delete(server, [key])

    async def recount(
        self, server: ServerId, day: str, needed: Collection[BlobRef], now: float
    ) -> int:
        """List the day, and delete the objects that nobody has a body in."""
        kept, left, unknown = {one.key for one in needed}, 0, list[str]()
        if day >= time.strftime("%Y%m%d", time.gmtime(now - _SETTLED_SECONDS)):
            return (await self._counted(server)).get(day, 0)
        async for key, size in self._objects(server, day):
            if key in kept:
                left += size
            else:
                unknown.append(key)
        await self._delete(server, unknown)
        if left:
            await self._table.put(key_of(_partition(server), day) | {"b": {"N": str(left)}})
        else:
            await self._table.delete((_partition(server), day))
        return left

    async def tidy(self, now: float) -> None:
        """Objects leave nothing."""

    async def _counted(self, server: ServerId) -> dict[str, int]:
        items = await self._table.query(("PK", _partition(server)), consistent=True)
        return {one["SK"]["S"]: int(one["b"]["N"]) for one in items}

    async def _count_less(self, server: ServerId, bodies: Collection[BlobRef]) -> None:
        less: dict[str, int] = {}
        for one in bodies:
            if found := _DAY.match(one.key):
                less[found[1]] = less.get(found[1], 0) + one.length
        for day, size in less.items():
            values = {":less": {"N": str(-size)}}
            await self._table.update((_partition(server), day), "ADD b :less", values)

    async def _listed(self, server: ServerId) -> list[str]:
        """The days of which there are objects."""
        found: list[str] = []
        async for answer in self._pages(Prefix=f"r/{server}/", Delimiter="/"):
            names = (_DAY.fullmatch(one["Prefix"]) for one in answer.get("CommonPrefixes", ()))
            found += [name[1] for name in names if name]
        return found

    async def _objects(self, server: ServerId, day: str) -> AsyncIterator[tuple[str, int]]:
        async for answer in self._pages(Prefix=f"r/{server}/{day}/"):
            for one in answer.get("Contents", ()):
                yield one["Key"], one["Size"]

    async def _pages(self, **wanted: Any) -> AsyncIterator[Mapping[str, Any]]:
        page = {"Bucket": self._bucket, **wanted}
        while True:
            answer = await self._session.call("s3", "list_objects_v2", **page)
            yield answer
            if not answer.get("IsTruncated"):
                return
            page["ContinuationToken"] = answer["NextContinuationToken"]

    async def _delete(self, server: ServerId, keys: list[str]) -> None:
        """A thousand a call. What belongs to another server is left alone."""
        ours = [{"Key": key} for key in keys if key.startswith(f"r/{server}/")]
        for start in range(0, len(ours), _AT_ONCE):
            await self._session.call(
                "s3",
                "delete_objects",
                Bucket=self._bucket,
                Delete={"Objects": ours[start : start + _AT_ONCE], "Quiet": True},
            )


def _partition(server: ServerId) -> str:
    return f"S#{server}#CON"
