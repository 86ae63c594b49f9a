"""Jobs in the mail table, and what they are about as compressed lists; both end by TTL.

| Item | PK | SK |
|---|---|---|
| job | `S#<server>#JOB`, below zero for an organization | `J#<id>` |
| what a piece of it is about | `S#<server>#JOB` | `P#<id>#<piece>` |

Those that are not over are in the index `due` under `JOBS`, by the moment of their making in microseconds.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from chalicelib.adapters.aws.dynamo.happenings import telling
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, is_over, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.deeds import Beside
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.jobs import Job
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.ports.jobs import Jobs

_OPEN = "JOBS"


class DynamoJobs(Jobs):
    """The `Jobs` port over the mail table."""

    # Others serve mail; each waits for calls most of its time.
    at_once = 16

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def add(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> None:
        """A conditional put; with what is told of it a transaction."""
        if not await self._put(_item(owner, job), "attribute_not_exists(PK)", None, told):
            raise Conflict("This job already exists")

    async def get(self, owner: ServerId, job: str) -> Job:
        """One read; NotFound."""
        item = await self._table.get(*_key(owner, job))
        if item is None:
            raise NotFound("There is no such job")
        return _read(item)

    async def page(
        self, owner: ServerId, limit: int, now: float, after: str | None = None
    ) -> Page[Job]:
        """One query."""
        items = await self._table.query(
            ("PK", _partition(owner)),
            sort="begins_with(SK, :prefix)",
            values={":prefix": {"S": "J#"}},
            limit=limit + 1,
            consistent=True,
            after=None if after is None else _key(owner, after),
        )
        found = [_read(one) for one in items[:limit] if not is_over(one, now)]
        more = len(items) > limit
        return Page(tuple(found), _read(items[limit - 1]).id if more else None)

    async def change(self, owner: ServerId, job: Job, told: Sequence[Beside] = ()) -> Job | None:
        """A conditional put; with what is told of it a transaction."""
        after = replace(job, version=job.version + 1)
        values: Item = {":version": {"N": str(job.version)}}
        is_put = await self._put(_item(owner, after), "rv = :version", values, told)
        return after if is_put else None

    async def _put(
        self, item: Item, condition: str, values: Item | None, told: Sequence[Beside]
    ) -> bool:
        if not told:
            return (await self._table.put(item, condition, values)).held
        put: dict[str, Any] = {"Item": item, "ConditionExpression": condition}
        if values:
            put["ExpressionAttributeValues"] = values
        return await self._table.transact({"Put": put}, *telling(told)) is None

    async def bring(self, owner: ServerId, job: Job) -> None:
        """A conditional put."""
        is_newer = "attribute_not_exists(PK) OR rv < :version"
        await self._table.put(_item(owner, job), is_newer, {":version": {"N": str(job.version)}})

    async def open(self, limit: int) -> list[tuple[ServerId, Job]]:
        """A query of the index, and a batch read."""
        keys = await self._table.query(("dk", _OPEN), index="due", limit=limit)
        places: list[Key] = [(one["PK"]["S"], one["SK"]["S"]) for one in keys]
        found = await self._table.get_many(places)
        jobs = [(_owner(place), _read(found[place])) for place in places if place in found]
        return [(owner, job) for owner, job in jobs if job.is_open]

    async def write_down(self, owner: ServerId, job: Job, piece: int, ids: Sequence[str]) -> None:
        """One put."""
        packed = zlib.compress(json.dumps(ids, ensure_ascii=False).encode())
        key = key_of(_partition(owner), _piece(job.id, piece))
        await self._table.put(key | {"b": {"B": packed}, "x": {"N": str(job.keep_until)}})

    async def written_down(self, owner: ServerId, job: str, piece: int) -> list[str]:
        """One read."""
        item = await self._table.get(_partition(owner), _piece(job, piece))
        found: list[str] = json.loads(zlib.decompress(item["b"]["B"])) if item else []
        return found


def _partition(owner: ServerId) -> str:
    return f"S#{owner}#JOB"


def _key(owner: ServerId, job: str) -> Key:
    return _partition(owner), f"J#{job}"


def _piece(job: str, piece: int) -> str:
    return f"P#{job}#{piece:08d}"


def _owner(place: Key) -> ServerId:
    return ServerId(int(place[0].split("#")[1]))


def _item(owner: ServerId, job: Job) -> Item:
    item = {
        **key_of(*_key(owner, job.id)),
        "v": {"S": render_value(job)},
        "rv": {"N": str(job.version)},
        "x": {"N": str(job.keep_until)},
    }
    if job.is_open:
        item |= {"dk": {"S": _OPEN}, "du": {"N": str(round(job.created_at * 1_000_000))}}
    return item


def _read(item: Item) -> Job:
    return parse_value(Job, item["v"]["S"])
