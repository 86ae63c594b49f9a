"""The bytes of messages as Postal keeps them: a row with the header, an empty line, rows with the body."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from chalicelib.domain.postal.messages import PostalMessage
from chalicelib.domain.postal.rows import Row, number, text
from onehost.postal.database import Database

IN_HAND = 8 * 1024 * 1024
UNKNOWN_SIZE = 1024 * 1024
MOST_PARTS = 1_000
SEPARATOR = b"\r\n\r\n"


def some_at_a_time(messages: Sequence[PostalMessage]) -> Iterator[list[PostalMessage]]:
    """Messages of IN_HAND bytes together; what is larger comes alone."""
    some: list[PostalMessage] = []
    size = 0
    for one in messages:
        length = number(one.row, "size") or UNKNOWN_SIZE
        if some and size + length > IN_HAND:
            yield some
            some, size = [], 0
        some.append(one)
        size += length
    if some:
        yield some


async def raw_of(source: Database, messages: Sequence[PostalMessage]) -> dict[int, bytes]:
    """Their bytes by their numbers; what retention took is not there."""
    by_table: defaultdict[str, list[PostalMessage]] = defaultdict(list)
    for one in messages:
        table = text(one.row, "raw_table")
        if table is not None and number(one.row, "raw_headers_id") is not None:
            by_table[table].append(one)
    found: dict[int, bytes] = {}
    for table, ours in by_table.items():
        numbers = [
            part
            for one in ours
            for name in ("raw_headers_id", "raw_body_id")
            if (part := number(one.row, name)) is not None
        ]
        rows = {int(row["id"]): row for row in await source.of(table, "id", numbers)}
        for one in ours:
            raw = await _joined(source, table, one, rows)
            if raw is not None:
                found[one.id] = raw
    return found


async def _joined(
    source: Database, table: str, message: PostalMessage, rows: dict[int, Row]
) -> bytes | None:
    header = await _whole(source, table, rows.get(number(message.row, "raw_headers_id") or 0))
    body = await _whole(source, table, rows.get(number(message.row, "raw_body_id") or 0))
    return None if header is None or body is None else header + SEPARATOR + body


async def _whole(source: Database, table: str, row: Row | None) -> bytes | None:
    """What a row holds, with the rows that it is continued in."""
    parts: list[bytes] = []
    while row is not None and len(parts) < MOST_PARTS:
        data = row.get("data")
        parts.append(data if isinstance(data, bytes) else str(data or "").encode())
        following = number(row, "next")
        if following is None:
            return b"".join(parts)
        row = next(iter(await source.of(table, "id", [following])), None)
    return None
