"""The end of a Parquet object, which tells what lies where in it, and groups of rows read by it.

Ends are kept in the process, because objects are never changed; of small objects the whole.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib.adapters.aws.lake.objects import LakeObject, LakeObjects

END_BYTES = 65_536
MOST_KEPT = 200
_MARK = 8  # the length of the footer, and four letters
_GAP = 32_768  # rather read than asked for apart


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rows: the least and greatest of what its rows are sorted by, of their messages and times."""

    index: int
    rows: int
    first: Any
    last: Any
    low: int
    high: int
    since: int
    until: int


@dataclass(frozen=True, slots=True)
class Footer:
    """What an object says of itself. `whole` are all its bytes when they are few."""

    found: LakeObject
    metadata: pq.FileMetaData
    groups: tuple[Group, ...]
    whole: bytes


class Footers:
    """Reads and keeps them."""

    def __init__(self, objects: LakeObjects) -> None:
        self._objects = objects
        self._kept: OrderedDict[tuple[str, str], Footer] = OrderedDict()

    async def of(self, found: Sequence[LakeObject]) -> list[Footer]:
        """The footers of objects, in order; ObjectGone when one is no longer there."""
        return list(await asyncio.gather(*(self._one(each) for each in found)))

    async def _one(self, found: LakeObject) -> Footer:
        place = (found.kind, found.name)
        footer = self._kept.get(place)
        if footer is None:
            footer = self._kept[place] = await self._read(found)
        self._kept.move_to_end(place)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)
        return footer

    async def _read(self, found: LakeObject) -> Footer:
        start = max(0, found.size - END_BYTES)
        end = await self._objects.read(found.kind, found.name, (start, found.size))
        needed = int.from_bytes(end[-_MARK:-4], "little") + _MARK
        if needed > len(end):
            end = await self._objects.read(
                found.kind, found.name, (found.size - needed, found.size)
            )
        metadata = pq.read_metadata(pa.BufferReader(end))
        groups = tuple(_group(metadata, index) for index in range(metadata.num_row_groups))
        return Footer(
            found, metadata, groups, end if start == 0 and len(end) == found.size else b""
        )

    async def read(self, footer: Footer, group: Group, columns: Sequence[str]) -> pa.Table:
        """Columns of a group of rows."""
        pieces = [(0, footer.whole)] if footer.whole else await self._pieces(footer, group, columns)
        source = pa.PythonFile(_Pieces(footer.found.size, pieces), mode="r")
        file = pq.ParquetFile(source, metadata=footer.metadata, pre_buffer=False)
        return file.read_row_group(group.index, columns=list(columns), use_threads=False)

    async def _pieces(
        self, footer: Footer, group: Group, columns: Sequence[str]
    ) -> list[tuple[int, bytes]]:
        spans = _spans(footer.metadata.row_group(group.index), set(columns))
        found = footer.found
        read = await asyncio.gather(
            *(self._objects.read(found.kind, found.name, one) for one in spans)
        )
        return [(start, content) for (start, _), content in zip(spans, read, strict=True)]


def _group(metadata: pq.FileMetaData, index: int) -> Group:
    group = metadata.row_group(index)
    lead, message, at = (group.column(place).statistics for place in range(3))
    return Group(
        index,
        group.num_rows,
        *(lead.min, lead.max, message.min, message.max, at.min, at.max),
    )


def _spans(group: Any, columns: set[str]) -> list[tuple[int, int]]:
    """Where the columns lie, those that are near each other as one."""
    spans: list[tuple[int, int]] = []
    for start, end in sorted(_chunks(group, columns)):
        if spans and start - spans[-1][1] <= _GAP:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return spans


def _chunks(group: Any, columns: set[str]) -> Iterable[tuple[int, int]]:
    for place in range(group.num_columns):
        chunk = group.column(place)
        if chunk.path_in_schema in columns:
            start = chunk.data_page_offset
            if chunk.has_dictionary_page:
                start = min(start, chunk.dictionary_page_offset)
            yield start, start + chunk.total_compressed_size


class _Pieces:
    """The parts of an object that were fetched, as the file that Arrow reads."""

    closed = False

    def __init__(self, size: int, pieces: Sequence[tuple[int, bytes]]) -> None:
        self._size = size
        self._pieces = pieces
        self._at = 0

    def size(self) -> int:
        return self._size

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, count: int) -> bytes:
        for start, content in self._pieces:
            at = self._at - start
            if at >= 0 and at + count <= len(content):
                self._at += count
                return content[at : at + count]
        raise OSError(f"{count} bytes at {self._at} were not fetched")

    def close(self) -> None:
        self.closed = True
