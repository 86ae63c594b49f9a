"""Messages as tables of the lake, and as Parquet: which columns there are, how rows are sorted and packed.

`terms`: the server and the term as one text, so that it sorts and prunes as one, message, time received, version and
direction; by key, then newest first. `rows`: a column for each field of a Findable; by server, then newest first. Short
columns stand first, so that a search that needs only those reads the beginning of a group of rows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from chalicelib.adapters.aws.lake.objects import ROWS, TERMS
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.index_terms import terms_of

Stored = Callable[[Any], Any]
SERVER_DIGITS = 10


def key_of(server: int, term: str) -> str:
    """A term of one server's messages."""
    return clean(f"{server:0{SERVER_DIGITS}d}{term}")


def clean(text: str) -> str:
    """A text that can be encoded: hostile mail has halves of characters."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of object: what its rows are sorted by before message and version, and how many make a group."""

    schema: pa.Schema
    lead: str
    group_rows: int
    packing: dict[str, str]


_TEXT, _NUMBER = pa.string(), pa.int64()
LAYOUTS = {
    TERMS: Layout(
        pa.schema(
            [
                ("key", _TEXT),
                ("message", _NUMBER),
                ("received_at", _NUMBER),
                ("version", _NUMBER),
                ("is_incoming", pa.bool_()),
            ]
        ),
        "key",
        32_768,
        {
            "key": "DELTA_BYTE_ARRAY",
            "message": "DELTA_BINARY_PACKED",
            "received_at": "DELTA_BINARY_PACKED",
        },
    ),
    ROWS: Layout(
        pa.schema(
            [
                ("server", _NUMBER),
                ("message", _NUMBER),
                ("received_at", pa.float64()),
                ("version", _NUMBER),
                ("is_incoming", pa.bool_()),
                ("statuses", _TEXT),
                ("size", _NUMBER),
                ("tries", _NUMBER),
                ("is_spam", pa.bool_()),
                ("is_bounce", pa.bool_()),
                ("is_opened", pa.bool_()),
                ("is_clicked", pa.bool_()),
                *((name, _TEXT) for name in ("wait", "cause", "provider", "pool", "stream", "tag")),
                *((name, _TEXT) for name in ("credential", "route", "endpoint", "domain")),
                *((name, _TEXT) for name in ("mail_from", "rcpt_to", "subject", "message_id")),
                *((name, _TEXT) for name in ("token", "metadata")),
            ]
        ),
        "server",
        8_192,
        {
            "message": "DELTA_BINARY_PACKED",
            **dict.fromkeys(("received_at", "token", "message_id"), "PLAIN"),
        },
    ),
}
_ALWAYS = ("server", "message", "received_at", "version", "is_incoming")
_STORED_AS: dict[str, Stored] = {
    "is_incoming": lambda found: found.scope is Scope.INCOMING,
    "statuses": lambda found: " ".join(found.statuses),
    "metadata": lambda found: json.dumps(dict(found.metadata)) if found.metadata else "",
    "wait": lambda found: None if found.wait is None else clean(found.wait),
}
_READ_AS: dict[str, Stored] = {
    "statuses": lambda stored: tuple(stored.split()),
    "metadata": lambda stored: json.loads(stored) if stored else {},
}
_EMPTY: dict[str, Any] = {
    "token": "",
    "mail_from": "",
    "rcpt_to": "",
    "subject": "",
    "message_id": "",
    "size": 0,
    "statuses": (),
}


def rows_table(found: Sequence[Findable]) -> pa.Table:
    """The messages as rows, in order."""
    ordered = sorted(found, key=lambda one: (one.server, -one.message, -one.version))
    schema = LAYOUTS[ROWS].schema
    return pa.table(
        [pa.array([_stored(one, field.name) for one in ordered], field.type) for field in schema],
        schema=schema,
    )


def _stored(found: Findable, name: str) -> Any:
    if name in _STORED_AS:
        return _STORED_AS[name](found)
    value = getattr(found, name)
    return clean(value) if isinstance(value, str) else value


def terms_table(found: Iterable[Findable]) -> pa.Table:
    """The terms of the messages, in order."""
    rows = [
        (
            key_of(one.server, term),
            -one.message,
            -one.version,
            int(one.received_at),
            one.scope is Scope.INCOMING,
        )
        for one in found
        for term in terms_of(one)
    ]
    rows.sort()
    keys, messages, versions, times, incoming = zip(*rows, strict=True) if rows else ((),) * 5
    schema = LAYOUTS[TERMS].schema
    columns = (keys, [-one for one in messages], times, [-one for one in versions], incoming)
    return pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)],
        schema=schema,
    )


def columns_for(names: Iterable[str]) -> list[str]:
    """The columns of `rows` that have these fields."""
    wanted = {*_ALWAYS, *names}
    return [name for name in LAYOUTS[ROWS].schema.names if name in wanted]


def findables(table: pa.Table) -> list[Findable]:
    """Messages from rows; fields whose columns are missing are empty."""
    names = [name for name in table.column_names if name not in _ALWAYS]
    columns = [_read(name, table[name].to_pylist()) for name in names]
    fixed = [table[name].to_pylist() for name in _ALWAYS]
    empty = {name: value for name, value in _EMPTY.items() if name not in names}
    made = []
    for (server, message, at, version, incoming), *values in zip(
        zip(*fixed, strict=True), *columns, strict=True
    ):
        made.append(
            Findable(
                server=ServerId(server),
                message=MessageId(message),
                scope=Scope.INCOMING if incoming else Scope.OUTGOING,
                version=version,
                received_at=at,
                **empty,
                **dict(zip(names, values, strict=True)),
            )
        )
    return made


def _read(name: str, values: list[Any]) -> list[Any]:
    read = _READ_AS.get(name)
    return values if read is None else [read(one) for one in values]


def writer(kind: str, sink: pa.NativeFile) -> pq.ParquetWriter:
    """What packs tables of a kind."""
    layout = LAYOUTS[kind]
    return pq.ParquetWriter(
        sink,
        layout.schema,
        compression="zstd",
        use_dictionary=[name for name in layout.schema.names if name not in layout.packing],
        column_encoding=layout.packing,
        write_statistics=[layout.lead, "message", "received_at"],
    )


def packed(kind: str, table: pa.Table) -> bytes:
    """A whole object of one table."""
    sink = pa.BufferOutputStream()
    with writer(kind, sink) as made:
        made.write_table(table, row_group_size=LAYOUTS[kind].group_rows)
    content: bytes = sink.getvalue().to_pybytes()
    return content
