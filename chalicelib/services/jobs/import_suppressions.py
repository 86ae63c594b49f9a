"""Importing suppressions from CSV (api.md 2.13).

The rows are counted first, so that a file that is no CSV adds nothing. A row has a moment of its own behind that of the
job. By it a piece that is done again knows what it has added itself, so that whoever dies counts nothing twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from chalicelib.domain import csv_rows
from chalicelib.domain.csv_rows import Row, rows_of
from chalicelib.domain.errors import Contended, Rejected
from chalicelib.domain.jobs import MOST_ERRORS, Job, Piece
from chalicelib.domain.mail.suppression_rows import (
    Given,
    ListedRow,
    entry_of,
    read_row,
)
from chalicelib.domain.model import BlobRef
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Change, Name, Suppression
from chalicelib.domain.tenancy.servers import SuppressionDays
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.kinds import (
    LOOKED_AT,
    MOST_SAMPLES,
    JobOwner,
    Looked,
    Parameters,
)
from chalicelib.services.jobs.suppression_file import Format, counted, format_of, rows_in
from chalicelib.services.suppress import MOST_TRIES, SuppressRecipients
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.streams import Streams

MOST_BYTES = 100_000_000
COUNTED_BYTES = 1_000_000
READ_BYTES = COUNTED_BYTES  # so that a row without an end is found before anything is listed
ROWS_AT_ONCE = 1_000
_MICROSECOND = 0.000_001


@dataclass(frozen=True, slots=True)
class _At:
    """Where it is in the file, in which of its two passes, and which row of the file comes next."""

    offset: int = 0
    line: int = 1
    row: int = 0
    is_counted: bool = False

    def text(self, **changes: Any) -> str:
        return json.dumps(
            {name: getattr(self, name) for name in ("offset", "line", "row", "is_counted")}
            | changes
        )


class ImportSuppressions:
    """The type `import_suppressions`."""

    type = "import_suppressions"
    fields = frozenset({"csv", "upload", "scope", "stream", "reason"})
    is_of_organizations = False
    sends = False

    def __init__(
        self,
        clock: Clock,
        blobs: BlobStore,
        suppressions: SuppressionList,
        suppress: SuppressRecipients,
        directory: Directory,
        streams: Streams,
    ) -> None:
        self._streams = streams
        self._clock = clock
        self._blobs = blobs
        self._suppressions = suppressions
        self._suppress = suppress
        self._directory = directory

    def has_numbers(self, parameters: Parameters) -> bool:
        """None has."""
        return False

    def filters(self, parameters: Parameters) -> frozenset[str]:
        """None."""
        return frozenset()

    def scope(self, parameters: Parameters) -> str:
        """Of the lists."""
        return "suppressions:write"

    async def begin(self, owner: JobOwner, job: str, parameters: Parameters) -> Parameters:
        """The file is kept with the job, or is an upload of the server."""
        await self._check(owner, parameters)
        ref = await self._ref(owner, parameters, hashlib.sha256(job.encode()).hexdigest()[:32])
        kept = {name: one for name, one in parameters.items() if name not in ("csv", "upload")}
        return kept | {"file": ref.key, "bytes": ref.length}

    async def look(self, owner: JobOwner, parameters: Parameters) -> Looked:
        """The first rows, as an import would take them."""
        await self._check(owner, parameters)
        text = parameters.get("csv")
        if text is None:
            ref = await self._ref(owner, parameters, "")
            data = await self._read(ref, 0, min(ref.length, COUNTED_BYTES))
            is_whole = ref.length <= len(data)
        else:
            data, is_whole = text.encode(), True
        form = format_of(data, parameters, is_whole=is_whole)
        found = islice(rows_in(data, form, is_last=is_whole), LOOKED_AT + 1)
        rows = await asyncio.to_thread(list, found)
        streams = await self._streams.names(owner.number)
        is_exact = is_whole and len(rows) <= LOOKED_AT
        read, invalid = self._read_rows(rows[:LOOKED_AT], form, streams)
        known = await self._known(owner.number, [row for _, row in read], self._clock.now())
        names = {row.name for _, row in read}
        added = len(names - known.keys())
        result = {"added": added, "updated": len(read) - added, "invalid": invalid[:MOST_ERRORS]}
        sample = tuple(row.address for _, row in read[:MOST_SAMPLES])
        return Looked(min(len(rows), LOOKED_AT), is_exact, sample, result)

    async def piece(self, owner: ServerId, job: Job) -> Piece:
        """Some rows counted, or some listed."""
        parameters = json.loads(job.parameters)
        ref = BlobRef(parameters["file"], 0, parameters["bytes"])
        head = await self._read(ref, 0, csv_rows.LONGEST_ROW)
        form = format_of(head, parameters, is_whole=len(head) == ref.length)
        at = _At(**json.loads(job.state)) if job.state else _At(form.start, form.first_line)
        data = await self._read(ref, at.offset, READ_BYTES if at.is_counted else COUNTED_BYTES)
        is_last = at.offset + len(data) >= ref.length
        rows = rows_of(data, at.line, form.delimiter, is_last=is_last)
        if at.is_counted:
            some = await asyncio.to_thread(list, islice(rows, ROWS_AT_ONCE))
            return await self._listed(owner, job, at, form, some, is_last)
        count, last = await asyncio.to_thread(counted, rows)
        if is_last:
            begun = _At(form.start, form.first_line)
            return Piece(state=begun.text(is_counted=True), matched=count)
        if last is None:
            raise Rejected(f"No row ends within {COUNTED_BYTES:,} bytes from line {at.line} on")
        return Piece(state=at.text(offset=at.offset + last.end, line=last.next_line), matched=count)

    async def shown(self, owner: ServerId, job: Job) -> Mapping[str, Any] | None:
        """As it was kept."""
        found: Mapping[str, Any] | None = json.loads(job.result) if job.result else None
        return found

    async def _listed(
        self, owner: ServerId, job: Job, at: _At, form: Format, rows: Sequence[Row], is_last: bool
    ) -> Piece:
        """List what some rows say."""
        ended = is_last and len(rows) < ROWS_AT_ONCE
        read, invalid = self._read_rows(rows, form, await self._streams.names(owner), at.row)
        added = await self._list(owner, job, read, form.given)
        told: dict[str, Any] = (
            json.loads(job.result) if job.result else {"added": 0, "updated": 0, "invalid": []}
        )
        told["added"] += added
        told["updated"] += len(read) - added
        told["invalid"] = [*told["invalid"], *invalid][:MOST_ERRORS]
        state = at.text()
        if rows:
            last = rows[-1]
            state = at.text(
                offset=at.offset + last.end, line=last.next_line, row=at.row + len(rows)
            )
        elif not ended:
            raise Rejected(f"No row ends within {READ_BYTES:,} bytes from line {at.line} on")
        return Piece(
            state=state,
            done=len(read),
            failed=len(invalid),
            result=json.dumps(told, ensure_ascii=False),
            is_last=ended,
        )

    async def _check(self, owner: JobOwner, parameters: Parameters) -> None:
        named = {"/stream": parameters["stream"]} if "stream" in parameters else {}
        await self._streams.check_known(owner.number, named)

    def _read_rows(
        self, rows: Sequence[Row], form: Format, streams: Collection[str], first: int = 0
    ) -> tuple[list[tuple[int, ListedRow]], list[dict[str, Any]]]:
        """What rows say, each with its number in the file, and what is wrong with the others."""
        read: list[tuple[int, ListedRow]] = []
        invalid: list[dict[str, Any]] = []
        now = self._clock.now()
        for number, row in enumerate(rows, first):
            try:
                if row.fault:
                    raise Rejected(row.fault)
                said = read_row(row.cells, form.columns, form.given, now)
                if said.stream is not None and said.stream not in streams:
                    raise Rejected("names a stream that this server lacks")
                read.append((number, said))
            except Rejected as wrong:
                invalid.append({"line": row.line, "detail": f"Line {row.line} {wrong.public}"})
        return read, invalid

    async def _list(
        self, owner: ServerId, job: Job, read: Sequence[tuple[int, ListedRow]], given: Given
    ) -> int:
        """Put entries on the list; how many are new there. What somebody else changes meanwhile is read again. Raises
        TemporaryFailure."""
        days = (await self._directory.server(owner)).suppression_days
        added, left = 0, list(read)
        for _ in range(MOST_TRIES):
            now = self._clock.now()
            known = await self._known(owner, [row for _, row in left], now)
            changes, new = self._changes(job, left, given, days, known)
            refused = await self._suppressions.put_all(owner, changes, now)
            added += sum(number for name, number in new.items() if name not in refused)
            left = [(number, row) for number, row in left if row.name in refused]
            if not left:
                return added
        raise Contended("The suppression list is changing, try again")

    def _changes(
        self,
        job: Job,
        read: Sequence[tuple[int, ListedRow]],
        given: Given,
        days: SuppressionDays,
        found: Mapping[Name, Suppression],
    ) -> tuple[list[Change], Counter[Name]]:
        """What rows make of the entries that were found, and how many of the rows are new, by name."""
        known = dict(found)
        added: Counter[Name] = Counter()
        for number, row in read:
            stamp = job.created_at + number * _MICROSECOND
            until = row.keep_until
            if until is None:
                until = self._suppress.until(row.reason, job.created_at, days)
            entry = entry_of(row, given, stamp, until, job.created_by)
            before = known.get(row.name)
            added[row.name] += before is None or before.at == stamp
            known[row.name] = entry if before is None else before.renewed(entry)
        changes = (Change(after, found.get(name)) for name, after in known.items())
        return [one for one in changes if one.entry != one.before], added

    async def _known(
        self, owner: ServerId, rows: Sequence[ListedRow], now: float
    ) -> dict[Name, Suppression]:
        names = list(dict.fromkeys(row.name for row in rows))
        return await self._suppressions.get(owner, names, now)

    async def _ref(self, owner: JobOwner, parameters: Parameters, name: str) -> BlobRef:
        """Where the file is."""
        now = self._clock.now()
        if "csv" in parameters:
            data = parameters["csv"].encode()
            format_of(data, parameters, is_whole=True)
            return await self._blobs.keep(owner.number, name, data, now)
        ref = await self._blobs.uploaded(owner.number, parameters["upload"], now)
        if ref.length > MOST_BYTES:
            raise Rejected(f"The file has {ref.length:,} bytes, at most {MOST_BYTES:,} are taken")
        head = await self._read(ref, 0, csv_rows.LONGEST_ROW)
        format_of(head, parameters, is_whole=len(head) == ref.length)
        return ref

    async def _read(self, ref: BlobRef, offset: int, length: int) -> bytes:
        length = max(0, min(length, ref.length - offset))
        return await self._blobs.get(replace(ref, offset=offset, length=length))
