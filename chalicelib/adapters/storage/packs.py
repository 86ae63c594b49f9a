"""Occurrences of a server, several in one compressed value: what the logs of both engines keep of them.

`read_pack(server, pack) == occurrences` for each of `packs(occurrences)`, one after the other.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence

LARGEST = 200_000  # characters before they are compressed; an item of DynamoDB holds 400 kB
KEPT_SECONDS = 25 * 3_600
# No replay of a feed begins so long before its end.
SOURCE_KEPT_SECONDS = 3 * 86_400


def packs(occurrences: Sequence[Occurrence]) -> Iterator[bytes]:
    """The occurrences in their order, in as few packs as hold them."""
    gathered: list[str] = []
    size = 0
    for one in occurrences:
        text = render_occurrence(one)
        if gathered and size + len(text) > LARGEST:
            yield _packed(gathered)
            gathered, size = [], 0
        gathered.append(text)
        size += len(text)
    if gathered:
        yield _packed(gathered)


def read_pack(server: ServerId, pack: bytes) -> tuple[Occurrence, ...]:
    """What a pack of this server holds."""
    return tuple(_occurrence(server, row) for row in json.loads(zlib.decompress(pack)))


def render_occurrence(one: Occurrence) -> str:
    """An occurrence as compact JSON, without its server."""
    row = [one.type.value, one.at, one.what, one.email, one.detail]
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False)


def parse_occurrence(server: ServerId, text: str) -> Occurrence:
    """The occurrence of a text; ValueError for another text."""
    return _occurrence(server, json.loads(text))


def _occurrence(server: ServerId, row: list[Any]) -> Occurrence:
    kind, at, what, email, detail = row
    return Occurrence(EventType(kind), server, at, what, email, detail)


def _packed(texts: list[str]) -> bytes:
    return zlib.compress(f"[{','.join(texts)}]".encode())
