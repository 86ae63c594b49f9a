"""Exports: a list as a file of CSV or of JSON lines, kept for seven days.

Its address is made anew whenever it is shown. What is exported is written down first; each part of it
becomes a file of its own, and at the end one of all, which may have 200 MB.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from chalicelib.domain.csv_rows import rendered
from chalicelib.domain.errors import NotFound, Rejected
from chalicelib.domain.jobs import Job, JobError, Piece
from chalicelib.domain.mail.suppression_rows import COLUMNS, row_of
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Name, Reason, SuppressionFilter, SuppressionScope, list_of
from chalicelib.domain.suppression_told import told_of
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    MOST_SAMPLES,
    JobOwner,
    Looked,
    Parameters,
)
from chalicelib.services.jobs.over_list import piece_over_list
from chalicelib.services.tenancy.directory import Directory

PART = 1_000
MOST_BYTES = 200_000_000
AT_ONCE = 16
LINK_SECONDS = 3_600
T = TypeVar("T")
SCOPES = {"suppressions": "suppressions:read"}
"""What can be exported, and what that needs."""


class Export:
    """The type `export`."""

    type = "export"
    fields = frozenset({"what", "filter", "format"})
    is_of_organizations = True

    def __init__(
        self,
        clock: Clock,
        blobs: BlobStore,
        jobs: Jobs,
        suppressions: SuppressionList,
        directory: Directory,
    ) -> None:
        self._clock = clock
        self._blobs = blobs
        self._jobs = jobs
        self._suppressions = suppressions
        self._directory = directory

    def scope(self, parameters: Parameters) -> str:
        """Of what is exported."""
        return SCOPES[parameters["what"]]

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """As they were given, with the lists that act on the owner's mail."""
        return {"filter": {}, "format": "csv", **parameters}

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """How many rows there would be."""
        found: list[str] = []
        position: str | None = None
        lists = [owner.number] if owner.server is None else _lists(owner.number, owner.organization)
        while len(found) < LOOKED_AT:
            page = await self._suppressions.page(
                lists, _filter(parameters), PART, self._clock.now(), position
            )
            found += [one.address for one in page.values]
            if (position := page.next_cursor) is None:
                break
        matched = min(len(found), LOOKED_AT)
        return Looked(
            matched, position is None and matched == len(found), tuple(found[:MOST_SAMPLES])
        )

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some entries found, or a part of the file."""
        return await piece_over_list(self._jobs, self, owner, job)

    async def find(
        self, owner: ServerId, job: Job, position: str | None
    ) -> tuple[Sequence[str], str | None]:
        """Which list has which entry."""
        lists = [owner]
        if owner > 0:
            lists = _lists(owner, (await self._directory.server(owner)).organization_id)
        wanted = _filter(json.loads(job.parameters))
        page = await self._suppressions.page(lists, wanted, PART, self._clock.now(), position)
        ids = [
            json.dumps([_list_of(one.scope, lists), one.address, one.stream]) for one in page.values
        ]
        return ids, page.next_cursor

    async def act(self, owner: ServerId, job: Job, number: int, ids: Sequence[str]) -> Piece:
        """A part of the file; an entry that is gone meanwhile is none of its rows."""
        wanted: dict[ServerId, list[Name]] = {}
        for one in ids:
            of, address, stream = json.loads(one)
            wanted.setdefault(ServerId(of), []).append(Name(address, stream))
        now = self._clock.now()
        found = {of: await self._suppressions.get(of, names, now) for of, names in wanted.items()}
        lines: list[str] = []
        gone: list[JobError] = []
        is_csv = json.loads(job.parameters)["format"] == "csv"
        for one in ids:
            of, address, stream = json.loads(one)
            entry = found[of].get(Name(address, stream))
            if entry is None:
                gone.append(JobError(address, "This entry was removed meanwhile"))
            elif is_csv:
                lines.append(rendered(row_of(entry)))
            else:
                lines.append(json.dumps(told_of(entry), ensure_ascii=False) + "\n")
        await self._blobs.keep(owner, _name(job, number), "".join(lines).encode(), now)
        return Piece(done=len(lines), failed=len(gone), errors=tuple(gone))

    async def finish(self, owner: ServerId, job: Job, parts: int) -> str:
        """One file of all parts, which is in memory once. Rejected where it would be too large for that."""
        now = self._clock.now()
        is_csv = json.loads(job.parameters)["format"] == "csv"
        begin = rendered(COLUMNS).encode() if is_csv else b""
        refs: list[BlobRef] = []
        for some in _some(range(parts)):
            found = (self._blobs.kept(owner, _name(job, number), now) for number in some)
            refs += await asyncio.gather(*found)
        size = len(begin) + sum(ref.length for ref in refs)
        if size > MOST_BYTES:
            raise Rejected(
                f"The export would have {size:,} bytes, at most {MOST_BYTES:,} are made: narrow its filter"
            )
        whole, end = bytearray(size), len(begin)
        whole[:end] = begin
        for few in _some(refs):
            for part in await asyncio.gather(*map(self._blobs.get, few)):
                whole[end : end + len(part)] = part
                end += len(part)
        # The stores take it as it is: bytes of it would be a second copy.
        await self._blobs.keep(owner, _name(job), whole, now)
        return json.dumps({"rows": job.done, "bytes": size})

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """With the file's address, as long as it is kept."""
        if not job.result:
            return None
        now = self._clock.now()
        url, until = None, None
        try:
            ref = await self._blobs.kept(owner, _name(job), now)
            ending = json.loads(job.parameters)["format"]
            url = await self._blobs.link(ref, LINK_SECONDS, f"suppressions.{ending}")
            until = time_text(int(now) + LINK_SECONDS)
        except NotFound:
            pass
        return {"url": url, "url_expires_at": until, **json.loads(job.result)}


def _some(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """As many as are read at a time."""
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _lists(server: ServerId, organization: Any) -> list[ServerId]:
    return [server, list_of(organization)]


def _list_of(scope: SuppressionScope, lists: Sequence[ServerId]) -> ServerId:
    """Which of the lists an entry of this scope is on."""
    return lists[-1] if scope is SuppressionScope.ORGANIZATION else lists[0]


def _filter(parameters: Parameters) -> SuppressionFilter:
    wanted = parameters.get("filter") or {}
    reason, scope = wanted.get("reason"), wanted.get("scope")
    since, until = wanted.get("since"), wanted.get("until")
    return SuppressionFilter(
        address=wanted.get("address"),
        reason=None if reason is None else Reason(reason),
        scope=None if scope is None else SuppressionScope(scope),
        stream=wanted.get("stream"),
        since=None if since is None else datetime.fromisoformat(since).timestamp(),
        until=None if until is None else datetime.fromisoformat(until).timestamp(),
    )


def _name(job: Job, part: int | None = None) -> str:
    """What a file of a job is kept under."""
    return hashlib.sha256(f"{job.id}/{'' if part is None else part}".encode()).hexdigest()[:32]
