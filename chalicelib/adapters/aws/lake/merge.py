"""Objects of the lake merged into one: in one pass over all, a group of rows of each in memory at a time.

Of a message only its newest version goes on, and nothing of what has to be left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from chalicelib.adapters.aws.lake.footers import Footer, Footers
from chalicelib.adapters.aws.lake.objects import ROWS, TERMS, LakeObject, LakeObjects
from chalicelib.adapters.aws.lake.tables import LAYOUTS, SERVER_DIGITS, writer

_IDENTITY = ("server", "message", "version")
_SHIFT = 32  # a message's number has fewer bits


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What goes on nowhere: messages by server, and whole servers."""

    messages: Mapping[int, frozenset[int]] = field(default_factory=dict)
    servers: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.messages or self.servers)

    def is_of(self, table: pa.Table) -> pa.ChunkedArray:
        """Which rows of `server` and `message` are left out."""
        packed = [
            _packed(server, message) for server, found in self.messages.items() for message in found
        ]
        of_messages = pc.is_in(_pack(table), value_set=pa.array(packed, pa.int64()))
        return pc.or_(
            of_messages, pc.is_in(table["server"], value_set=pa.array(self.servers, pa.int64()))
        )


NOTHING = LeftOut()


async def merge(
    objects: LakeObjects,
    footers: Footers,
    inputs: Sequence[LakeObject],
    name: str,
    left_out: LeftOut = NOTHING,
) -> None:
    """Write what the inputs hold, terms and rows, as one pair of this name; no object for nothing."""
    rows = await footers.of([one for one in inputs if one.kind == ROWS])
    terms = await footers.of([one for one in inputs if one.kind == TERMS])
    newest = await _repeated(footers, rows)
    for kind, known in ((ROWS, rows), (TERMS, terms)):
        content = await _written(
            kind, _Going(kind, left_out, newest), _in_order(footers, kind, known)
        )
        if content:
            await objects.write(kind, name, content)


async def holds_any(footers: Footers, rows: LakeObject, left_out: LeftOut) -> bool:
    """Whether an object of rows has something of what is to be left out."""
    (footer,) = await footers.of([rows])
    for group in footer.groups:
        table = await footers.read(footer, group, ["server", "message"])
        if pc.any(left_out.is_of(table)).as_py():
            return True
    return False


class _Going:
    """Which rows of a table go on."""

    def __init__(self, kind: str, left_out: LeftOut, newest: pa.Table) -> None:
        self._kind = kind
        self._left_out = left_out
        self._newest = newest

    def of(self, table: pa.Table) -> pa.Table:
        """Those rows of a table in order."""
        table = table.filter(_differs(table, (LAYOUTS[self._kind].lead, "message")))
        if self._left_out or self._newest.num_rows:
            known = _with_server(table) if self._kind == TERMS else table
            table = table.filter(
                pc.and_(self._is_newest(known), pc.invert(self._left_out.is_of(known)))
            )
        return table

    def _is_newest(self, table: pa.Table) -> pa.ChunkedArray:
        at = pc.index_in(_pack(table), value_set=self._newest["packed"])
        versions = self._newest["version"].take(at)
        return pc.or_(
            pc.is_null(versions), pc.fill_null(pc.equal(table["version"], versions), False)
        )


async def _repeated(footers: Footers, rows: Sequence[Footer]) -> pa.Table:
    """The messages that have several versions, packed, with the newest."""
    tables = [
        await footers.read(footer, group, _IDENTITY) for footer in rows for group in footer.groups
    ]
    if not tables:
        return pa.table({"packed": pa.array([], pa.int64()), "version": pa.array([], pa.int64())})
    table = _sorted(pa.concat_tables(tables), "server")
    is_first = _differs(table, ("server", "message"))
    later = table.filter(pc.invert(is_first))
    firsts = table.filter(is_first)
    again = firsts.filter(pc.is_in(_pack(firsts), value_set=_pack(later).combine_chunks()))
    return pa.table({"packed": _pack(again), "version": again["version"]}).combine_chunks()


async def _in_order(
    footers: Footers, kind: str, known: Sequence[Footer]
) -> AsyncIterator[pa.Table]:
    """All rows of the objects, in order, in tables no two of which share a message of the same lead."""
    lead = LAYOUTS[kind].lead
    inputs = [_Input(footers, LAYOUTS[kind].schema.names, one) for one in known]
    while True:
        await asyncio.gather(*(one.fill() for one in inputs))
        ends = [one.end(lead) for one in inputs if one.has_more]
        if not ends:
            break
        end = min(ends)
        taken = [one.take_before(lead, end) for one in inputs]
        if any(one.num_rows for one in taken):
            yield _sorted(pa.concat_tables(taken), lead)
        else:
            await asyncio.gather(*(one.fill(more=one.has_more) for one in inputs))
    rest = [one.rest for one in inputs if one.rest is not None and one.rest.num_rows]
    if rest:
        yield _sorted(pa.concat_tables(rest), lead)


class _Input:
    """One object read from its beginning, group by group."""

    def __init__(self, footers: Footers, columns: Sequence[str], footer: Footer) -> None:
        self._footers = footers
        self._columns = columns
        self._footer = footer
        self._groups = list(footer.groups)
        self.rest: pa.Table | None = None

    @property
    def has_more(self) -> bool:
        """Whether groups are left that were not read."""
        return bool(self._groups)

    async def fill(self, more: bool = False) -> None:
        """Read a group when there are no rows at hand, or one more."""
        has_rows = self.rest is not None and self.rest.num_rows
        if self._groups and (more or not has_rows):
            table = await self._footers.read(self._footer, self._groups.pop(0), self._columns)
            self.rest = table if self.rest is None else pa.concat_tables([self.rest, table])

    def end(self, lead: str) -> tuple[Any, int]:
        """The last of the rows at hand, behind which more may follow, as it sorts."""
        assert self.rest is not None  # noqa: S101  # whoever has more has rows
        last = self.rest.num_rows - 1
        return self.rest[lead][last].as_py(), -self.rest["message"][last].as_py()

    def take_before(self, lead: str, end: tuple[Any, int]) -> pa.Table:
        """Take the rows that sort before an end."""
        rest = self.rest
        assert rest is not None  # noqa: S101  # an object has at least one group
        before = pc.or_(
            pc.less(rest[lead], end[0]),
            pc.and_(pc.equal(rest[lead], end[0]), pc.greater(rest["message"], -end[1])),
        )
        count = pc.sum(before).as_py() or 0
        self.rest = rest.slice(count)
        return rest.slice(0, count)


async def _written(kind: str, going: _Going, tables: AsyncIterator[pa.Table]) -> bytes:
    sink = pa.BufferOutputStream()
    size = LAYOUTS[kind].group_rows
    waiting: list[pa.Table] = []
    rows = 0
    with writer(kind, sink) as made:
        async for table in tables:
            left = going.of(table)
            waiting.append(left)
            rows += left.num_rows
            if sum(one.num_rows for one in waiting) >= size:
                whole = pa.concat_tables(waiting)
                full = whole.num_rows // size * size
                made.write_table(whole.slice(0, full), row_group_size=size)
                waiting = [whole.slice(full)]
        if any(one.num_rows for one in waiting):
            made.write_table(pa.concat_tables(waiting), row_group_size=size)
    content: bytes = sink.getvalue().to_pybytes()
    return content if rows else b""


def _sorted(table: pa.Table, lead: str) -> pa.Table:
    order = [(lead, "ascending"), ("message", "descending"), ("version", "descending")]
    return table.take(pc.sort_indices(table, sort_keys=order))


def _differs(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """For each row whether it differs from the one before in one of these columns."""
    if not table.num_rows:
        return pa.array([], pa.bool_())
    changes = [
        pc.not_equal(column.slice(1), column.slice(0, table.num_rows - 1))
        for column in (table[name].combine_chunks() for name in names)
    ]
    differs = changes[0]
    for one in changes[1:]:
        differs = pc.or_(differs, one)
    return pa.concat_arrays([pa.array([True]), differs])


def _with_server(terms: pa.Table) -> pa.Table:
    digits = pc.utf8_slice_codeunits(terms["key"], 0, SERVER_DIGITS)
    return terms.append_column("server", pc.cast(digits, pa.int64()))


def _pack(table: pa.Table) -> pa.ChunkedArray:
    return pc.add(pc.shift_left(table["server"], _SHIFT), table["message"])


def _packed(server: int, message: int) -> int:
    return (server << _SHIFT) + message
