"""What an older release stored is counted when its database becomes one of this."""

from __future__ import annotations

from pathlib import Path

from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA
from chalicelib.config import Settings

ROWS = (
    (1 << 31 | 1, '["20261129/a-1.seg", 16, 100]'),
    (1 << 31 | 2, '["20261129/a-1.seg", 16, 100]'),  # another recipient of the same
    (1 << 31 | 3, '["20261130/a-1.seg", 16, 7]'),
    (2 << 31 | 1, '["20261129/a-1.seg", 132, 5]'),
    (2 << 31 | 2, '["", 0, 0]'),
)


def test_each_body_is_counted_once(tmp_path: Path) -> None:
    folder = StateFolder(Settings(state_folder=str(tmp_path / "state")))
    older = Database(folder, "mail.db", MAIL_SCHEMA[:4])
    needed = [
        row[1]
        for row in fetched(older._writer, "PRAGMA table_info(messages)")
        if row[3] and row[1] not in ("key", "blob", "taken_over", "logged")
    ]
    names, marks = ", ".join(needed), ", ".join("?" * len(needed))
    statement = f"INSERT INTO messages(key, blob, {names}) VALUES (?, ?, {marks})"  # noqa: S608
    for key, blob in ROWS:
        fetched(older._writer, statement, (key, blob, *(0 for _ in needed)))
    older._writer.close()
    newer = Database(folder, "mail.db", MAIL_SCHEMA)
    counted = newer.read(lambda db: fetched(db, "SELECT * FROM content_days ORDER BY 1, 2"))
    assert counted == [(1, "20261129", 100), (1, "20261130", 7), (2, "20261129", 5)]
