"""Exports: a list as a file of CSV or of JSON lines, kept for seven days.

Its address is made anew whenever it is shown. What is exported is written down first. Then each part of it becomes some
bytes behind those before; as soon as these are enough for a part of the file they are stored as one, so that never more
than a part is in memory, however many rows there are. When the parts before are gone, as after a move or a stand of a
day, the file is begun anew, of what was written down.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.csv_rows import rendered
from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import Job, JobError, Piece
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.blobs import SMALLEST_PART, BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs.exported import AllExported, Exported
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    LOOKING_SECONDS,
    MOST_SAMPLES,
    JobOwner,
    ListState,
    Looked,
    Parameters,
)
from chalicelib.services.jobs.mail_found import mail_filter
from chalicelib.services.jobs.over_list import part_found

MOST_ANEW = 3
LINK_SECONDS = 3_600
FORMS = ("csv", "ndjson")


@dataclass(frozen=True, slots=True)
class ExportState(ListState):
    """Where it is: what the file comes to be of, with the parts that it has, the name of what is left for the next one,
    and how often the file was begun anew."""

    whole: str = ""
    tags: Sequence[str] = ()
    size: int = 0
    rest: str = ""
    anew: int = 0


class Export:
    """The type `export`."""

    type = "export"
    fields = frozenset({"what", "filter", "format"})
    is_of_organizations = True
    sends = False

    def __init__(self, clock: Clock, blobs: BlobStore, jobs: Jobs, exported: AllExported) -> None:
        self._clock = clock
        self._blobs = blobs
        self._jobs = jobs
        self._exported = exported.by_name

    def has_numbers(self, parameters: Parameters) -> bool:
        """Messages and reports have."""
        return self._of(parameters).has_numbers

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """Those of the list."""
        return self._of(parameters).filters

    def scope(self, parameters: Parameters) -> str:
        """Of reading what is exported."""
        return self._of(parameters).scope

    def is_for(self, owner: JobOwner, parameters: Parameters) -> bool:
        """Whether a tenant has such a list."""
        return owner.server is not None or self._of(parameters).is_of_organizations

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """As they were given. QuerySyntax."""
        if parameters["what"] == "emails":
            mail_filter(parameters.get("filter") or {}, self._clock.now())
        return {"filter": {}, "format": FORMS[0], **parameters}

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """How many rows there would be."""
        found: list[str] = []
        position: str | None = None
        now, until = self._clock.now(), self._clock.monotonic() + LOOKING_SECONDS
        while len(found) < LOOKED_AT and self._clock.monotonic() < until:
            ids, position = await self._of(parameters).find(owner.number, parameters, position, now)
            found += ids
            if position is None:
                break
        matched = min(len(found), LOOKED_AT)
        sample = tuple(_called(one) for one in found[:MOST_SAMPLES])
        return Looked(matched, position is None and matched == len(found), sample)

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some entries found, or some bytes more, or the file."""
        state = ExportState.parse(job.state)
        if not state.is_found:
            return await part_found(self._jobs, self, owner, job, state)
        if state.next >= state.parts:
            return await self._or_anew(job, state, self._ended(owner, job, state))
        ids = await self._jobs.written_down(owner, job.id, state.next)
        given = json.loads(job.parameters)
        of = self._of(given)
        rows = await of.rows(owner, ids)
        place = FORMS.index(given["format"])
        lines = [row[place] for row in rows if row is not None]
        gone = [
            JobError(_called(one), of.gone)
            for one, row in zip(ids, rows, strict=True)
            if row is None
        ]
        added = Piece(done=len(lines), failed=len(gone), errors=tuple(gone))
        text = "".join(lines).encode()
        return await self._or_anew(job, state, self._added(owner, job, state, text, added))

    async def _added(
        self, owner: ServerId, job: Job, state: ExportState, text: bytes, added: Piece
    ) -> Piece:
        """Some bytes more."""
        content = await self._rest(owner, job, state, self._of(json.loads(job.parameters)))
        content += text
        changes = await self._stored(owner, job, state, content)
        return replace(added, state=state.text(next=state.next + 1, **changes))

    async def _or_anew(self, job: Job, state: ExportState, work: Awaitable[Piece]) -> Piece:
        """What comes of it; where the bytes before are gone, the file begun anew. NotFound where they are gone time
        and again, as where the clock of the files is days behind."""
        try:
            return await work
        except NotFound:
            if not (state.whole or state.rest) or state.anew >= MOST_ANEW:
                raise
            changes = {"next": 0, "whole": "", "tags": [], "size": 0, "rest": ""}
            begun = state.text(**changes, anew=state.anew + 1)
            return Piece(state=begun, done=-job.done, failed=-job.failed)

    async def find(
        self, owner: ServerId, job: Job, position: str | None
    ) -> tuple[Sequence[str], str | None]:
        """A page of the list."""
        given = json.loads(job.parameters)
        return await self._of(given).find(owner, given, position, job.created_at)

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """With the file's address, as long as it is kept."""
        if not job.result:
            return None
        now, given = self._clock.now(), json.loads(job.parameters)
        url, until = None, None
        try:
            ref = await self._blobs.kept(owner, _name(job), now)
            file = f"{given['what']}.{given['format']}"
            url = await self._blobs.link(ref, LINK_SECONDS, file)
            until = time_text(int(now) + LINK_SECONDS)
        except NotFound:
            pass
        return {"url": url, "url_expires_at": until, **json.loads(job.result)}

    def _of(self, parameters: Parameters) -> Exported:
        return self._exported[parameters["what"]]

    async def _rest(self, owner: ServerId, job: Job, state: ExportState, of: Exported) -> bytearray:
        """What is left of the pieces before; at the beginning the header line."""
        if state.rest:
            ref = await self._blobs.kept(owner, state.rest, self._clock.now())
            return bytearray(await self._blobs.get(ref))
        is_begin = state.size == 0 and json.loads(job.parameters)["format"] == FORMS[0]
        return bytearray(rendered(of.columns).encode() if is_begin else b"")

    async def _stored(
        self, owner: ServerId, job: Job, state: ExportState, content: bytearray
    ) -> dict[str, Any]:
        """A part of the file, or what is left for it, under a name that the piece before has not: what changes."""
        if len(content) < SMALLEST_PART:
            name = _name(job, f"rest {job.next % 2}")
            await self._blobs.keep(owner, name, content, self._clock.now())
            return {"rest": name}
        whole = state.whole or await self._blobs.begin_whole(owner, _name(job))
        number = len(state.tags) + 1
        tag = await self._blobs.add_part(owner, _name(job), whole, number, content)
        size = state.size + len(content)
        return {"whole": whole, "tags": [*state.tags, tag], "size": size, "rest": ""}

    async def _ended(self, owner: ServerId, job: Job, state: ExportState) -> Piece:
        """The file. One that a process ended before it died is there."""
        now, name = self._clock.now(), _name(job)
        content = await self._rest(owner, job, state, self._of(json.loads(job.parameters)))
        size = state.size + len(content)
        if not state.whole:
            await self._blobs.keep(owner, name, content, now)
        else:
            await self._end_whole(owner, name, state, content)
        result = json.dumps({"rows": job.done, "bytes": size})
        return Piece(state=job.state, result=result, is_last=True)

    async def _end_whole(
        self, owner: ServerId, name: str, state: ExportState, content: bytearray
    ) -> None:
        tags, whole, now = list(state.tags), state.whole, self._clock.now()
        try:
            if content:
                number = len(tags) + 1
                tags.append(await self._blobs.add_part(owner, name, whole, number, content))
            await self._blobs.end_whole(owner, name, whole, tags, now)
        except NotFound:
            await self._blobs.kept(owner, name, now)


def _called(written: str) -> str:
    """How an id that was written down is called."""
    return str(json.loads(written)[1]) if written.startswith("[") else written


def _name(job: Job, part: str = "") -> str:
    """What a file of a job is kept under."""
    return hashlib.sha256(f"{job.id}/{part}".encode()).hexdigest()[:32]
