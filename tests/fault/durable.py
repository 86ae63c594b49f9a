"""What a state folder holds, however it came to be so: read, and checked for being in step with itself."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import apsw

from chalicelib.adapters.sqlite.database import fetched

MESSAGES = """
SELECT key, key & 2147483647, state, attempt, lease_until, due_at, logged, blob FROM messages ORDER BY key"""
WAKE_UPS = "SELECT key, attempt FROM queue"
EVENTS = "SELECT key, kind, count(*) FROM events GROUP BY key, kind"


HEAD = struct.Struct(">4sIII")
MAGIC = b"PHb1"


@dataclass(frozen=True)
class Held:
    """A message of the folder: its state, how many deliveries it has in the log, and its bytes."""

    state: str
    deliveries: int
    body: bytes


def held(folder: Path) -> dict[int, Held]:
    """The messages of the folder by number. AssertionError when anything in it is without what belongs to it."""
    db = apsw.Connection(str(folder / "mail.db"))
    try:
        fetched(db, "PRAGMA synchronous=OFF")
        assert fetched(db, "PRAGMA integrity_check") == [("ok",)]
        wake_ups = set(fetched(db, WAKE_UPS))
        events = {(key, kind): count for key, kind, count in fetched(db, EVENTS)}
        rows = fetched(db, MESSAGES)
    finally:
        db.close()
    found = {}
    for key, number, state, attempt, lease_until, due_at, logged, blob in rows:
        assert events.pop((key, "new")) == 1
        assert events.pop((key, "delivery"), 0) == logged
        if state == "W":
            # The wake-up of the attempt before heals it (crash rule 4).
            woken = {(key, attempt), (key, attempt - 1)} & wake_ups
            assert woken or due_at, f"nobody will wake {number}"
        assert state != "L" or lease_until, f"the lease of {number} never ends"
        found[number] = Held(state, logged, _body(folder, *json.loads(blob)))
    assert events == {}, "the log tells of messages that are not there"
    assert {key for key, _ in wake_ups} <= {row[0] for row in rows}, "a wake-up of nothing"
    return found


def _body(folder: Path, key: str, offset: int, length: int) -> bytes:
    """The bytes of a reference, which must be what its head says."""
    segment = (folder / "bodies" / key).read_bytes()
    magic, size, crc, _ = HEAD.unpack_from(segment, offset - HEAD.size)
    body = segment[offset : offset + length]
    assert (magic, size, crc) == (MAGIC, len(body), zlib.crc32(body)), f"{key} {offset}"
    return body
