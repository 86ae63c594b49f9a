"""Taking an address out of mail.db and the uploads: tables are read some rows at a time, in the order of their keys.

What was deleted is zero in the file (`secure_delete`); the log beside it is written in and emptied at the end.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.uploads import Uploads
from chalicelib.adapters.storage.erased_jobs import without
from chalicelib.adapters.storage.packs import packs, read_pack, render_occurrence
from chalicelib.domain.erasure import Sought
from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.traces import Step, Traces

if TYPE_CHECKING:
    import apsw

ROWS = 200


@dataclass(frozen=True, slots=True)
class _Kind:
    """Rows of a table: how they are read behind a key, taken away or changed. `change` gives what is stored in place of
    a row's text, None where the row goes, the same text where it stays."""

    read: str
    delete: str
    update: str
    change: Callable[[ServerId, Sought, Any], Any]
    is_event: bool = False


def _gone(server: ServerId, sought: Sought, value: Any) -> Any:
    return None if sought.is_in(_text(value)) else value


def _replaced(server: ServerId, sought: Sought, value: Any) -> Any:
    if isinstance(value, bytes):
        text = zlib.decompress(value).decode()
        return zlib.compress(sought.replaced(text).encode()) if sought.is_in(text) else value
    return sought.replaced(value) if sought.is_in(value) else value


def _without_events(server: ServerId, sought: Sought, value: bytes) -> bytes | None:
    occurrences = read_pack(server, value)
    left = [one for one in occurrences if not sought.is_in(render_occurrence(one))]
    if len(left) == len(occurrences):
        return value
    return next(packs(left), None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return bytes(value).decode("utf-8", "replace")


# A name that is a number is compared as one.
_KINDS = (
    _Kind(
        "SELECT seq, occurrences FROM packs WHERE server = :server AND seq > CAST(:after AS INTEGER)"
        " ORDER BY seq LIMIT :rows",
        "DELETE FROM packs WHERE seq = :name AND :server = :server",
        "UPDATE packs SET occurrences = :value WHERE seq = :name AND :server = :server",
        _without_events,
        is_event=True,
    ),
    _Kind(
        "SELECT seq, detail FROM events INDEXED BY by_name WHERE kind = 'event' AND key >= :low AND key < :high"
        " AND seq > CAST(:after AS INTEGER) ORDER BY seq LIMIT :rows",
        "DELETE FROM events WHERE seq = :name AND :server = :server",
        "",
        _gone,
        is_event=True,
    ),
    _Kind(
        "SELECT id, value || ' ' || CAST(payload AS TEXT) FROM webhook_deliveries"
        " WHERE server = :server AND id > :after ORDER BY id LIMIT :rows",
        "DELETE FROM webhook_deliveries WHERE server = :server AND id = :name",
        "",
        _gone,
        is_event=True,
    ),
    _Kind(
        "SELECT name, body FROM answers WHERE server = :server AND name > :after AND body IS NOT NULL"
        " ORDER BY name LIMIT :rows",
        "DELETE FROM answers WHERE server = :server AND name = :name",
        "",
        _gone,
    ),
    _Kind(
        "SELECT id, value FROM jobs WHERE server = :server AND id > :after ORDER BY id LIMIT :rows",
        "",
        "UPDATE jobs SET value = :value, version = version + (opened_at IS NOT NULL)"
        " WHERE server = :server AND id = :name",
        lambda server, sought, value: without(sought, value),
    ),
    _Kind(
        "SELECT job || '/' || piece, ids FROM job_pieces"
        " WHERE server = :server AND job || '/' || piece > :after ORDER BY 1 LIMIT :rows",
        "",
        "UPDATE job_pieces SET ids = :value WHERE server = :server AND job || '/' || piece = :name",
        _replaced,
    ),
    _Kind(
        "SELECT key, recipient FROM unsubscribes WHERE key >= :low AND key < :high AND key > CAST(:after AS INTEGER)"
        " ORDER BY key LIMIT :rows",
        "",
        "UPDATE unsubscribes SET recipient = :value WHERE key = :name AND :server = :server",
        _replaced,
    ),
    _Kind(
        "SELECT id, body FROM queue WHERE key >= :low AND key < :high AND body IS NOT NULL"
        " AND id > CAST(:after AS INTEGER) ORDER BY id LIMIT :rows",
        "DELETE FROM queue WHERE id = :name AND :server = :server",
        "",
        _gone,
    ),
)
# Wake-ups of messages that are forgotten: found by a reader, since no index leads to them.
_ORPHANS = (
    "SELECT id FROM queue WHERE key >= ? AND key < ? AND key NOT IN (SELECT key FROM messages)",
    "DELETE FROM queue WHERE id IN (SELECT value FROM json_each(?))",
)


class SqliteTraces(Traces):
    """The `Traces` port over mail.db and the uploads."""

    wake_up_seconds = 0

    def __init__(self, database: MailDatabase, uploads: Uploads) -> None:
        self._database = database
        self._uploads = uploads

    async def step(self, owner: ServerId, sought: Sought, position: str | None) -> Step:
        """ROWS rows of a table, or all files."""
        number, _, after = (position or "0/").partition("/")
        at = int(number)
        if at == len(_KINDS):
            files = await asyncio.to_thread(self._files, owner, sought)
            await self._without_orphans(owner)
            return Step(0, files, None)
        kind = _KINDS[at]
        changed, last = await self._database.write(
            lambda db: _take_out(db, kind, owner, sought, after)
        )
        last = f"{at}/{last}" if last else f"{at + 1}/"
        return Step(changed, 0, last) if kind.is_event else Step(0, changed, last)

    async def scrub(self) -> None:
        """Empty the log, which has pages as they were."""
        await self._database.empty_log()

    async def _without_orphans(self, owner: ServerId) -> None:
        question, statement = _ORPHANS
        between = (key_of(owner, 0), key_of(ServerId(owner + 1), 0))
        found = await self._database.aside(
            lambda: self._database.read(lambda db: fetched(db, question, between))
        )
        ids = json.dumps([one for (one,) in found])
        await self._database.write(lambda db: fetched(db, statement, (ids,)))

    def _files(self, owner: ServerId, sought: Sought) -> int:
        gone = 0
        for key in self._uploads.of(owner):
            try:
                size, _ = self._uploads.find(key)
                if not sought.is_in_bytes(self._uploads.read(key, 0, size)):
                    continue
            except NotFound:
                continue
            self._uploads.remove(key)
            gone += 1
        return gone


def _read(db: apsw.Connection, kind: _Kind, owner: ServerId, after: str) -> list[Any]:
    wanted = {
        "server": owner,
        "after": after,
        "rows": ROWS,
        "low": key_of(owner, 0),
        "high": key_of(ServerId(owner + 1), 0),
    }
    named = {name: one for name, one in wanted.items() if f":{name}" in kind.read}
    return fetched(db, kind.read, named)


def _take_out(
    db: apsw.Connection, kind: _Kind, owner: ServerId, sought: Sought, after: str
) -> tuple[int, str]:
    """How many rows behind a name were changed or taken away, as they are in this transaction; and the last of them
    where there may be more."""
    changed, rows = 0, _read(db, kind, owner, after)
    for name, value in rows:
        left = kind.change(owner, sought, value)
        if left == value:
            continue
        statement = kind.delete if left is None else kind.update
        wanted = {"server": owner, "name": name}
        fetched(db, statement, wanted if left is None else wanted | {"value": left})
        changed += db.changes()
    return changed, str(rows[-1][0]) if len(rows) == ROWS else ""
