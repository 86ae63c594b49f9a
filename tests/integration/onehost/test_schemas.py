"""Databases of older releases are brought to the newest schema, whole or not at all; those of newer ones are refused.

`tests/data/schemas` has the schema of each version as it was released. It is never changed; a version that is added to
the program is added there.
"""

from __future__ import annotations

import re
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import VERSION_1, MailDatabase
from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.dns_zone import DnsZone
from tests.one_host import OneHost, refusal
from tests.peers import SmtpPeer

RELEASED = Path(__file__).parents[2] / "data" / "schemas"
KINDS: dict[str, type[Database]] = {"mail": MailDatabase, "control": ControlDatabase}
NEWEST = {name: len(list(RELEASED.glob(f"{name}-*.sql"))) for name in KINDS}
VERSIONS = [(name, version) for name in KINDS for version in range(1, 1 + NEWEST[name])]


def folder_at(path: Path) -> StateFolder:
    return StateFolder(Settings(state_folder=str(path)))


def shape(path: Path) -> tuple[int, list[tuple[str, str]]]:
    """The version of a database, and its tables with their columns and its indexes as they were declared."""
    db = apsw.Connection(str(path))
    try:
        ((version,),) = fetched(db, "PRAGMA user_version")
        found = []
        for kind, name, sql in fetched(db, "SELECT type, name, sql FROM sqlite_schema"):
            columns = fetched(db, "SELECT * FROM pragma_table_xinfo(?)", (name,))
            unordered = sorted(column[1:] for column in columns)
            declared = repr(unordered) if kind == "table" else re.sub(r"\s+", " ", str(sql))
            found.append((name, declared))
        return version, sorted(found)
    finally:
        db.close()


@pytest.mark.parametrize(("name", "version"), VERSIONS)
def test_a_database_of_each_release_becomes_what_a_new_one_is(
    tmp_path: Path, name: str, version: int
) -> None:
    fresh, older = folder_at(tmp_path / "fresh"), folder_at(tmp_path / "older")
    SealingKeys(older, SystemRand())  # a folder with databases has its key
    db = apsw.Connection(str(older.file(f"{name}.db")))
    fetched(db, (RELEASED / f"{name}-{version}.sql").read_text())
    fetched(db, f"PRAGMA user_version={version}")
    db.close()
    for folder in (fresh, older):
        program = Posthorn(Settings(state_folder=str(folder.path)), "sqlite")
        assert program[KINDS[name]]
    shapes = [shape(each.path / f"{name}.db") for each in (fresh, older) if each.path]
    assert shapes[0] == shapes[1], "a schema that was released was changed: add a version instead"
    assert shapes[0][0] == NEWEST[name]


def test_a_schema_that_cannot_be_brought_up_is_left_as_it_was(tmp_path: Path) -> None:
    folder = folder_at(tmp_path / "state")
    Database(folder, "mail.db", (VERSION_1,))
    before = shape(tmp_path / "state" / "mail.db")
    half = "CREATE TABLE added(a); CREATE INDEX added_by_b ON added(b);"
    with pytest.raises(Exception, match="no such column: b"):
        Database(folder, "mail.db", (VERSION_1, half))
    assert shape(tmp_path / "state" / "mail.db") == before
    Database(folder, "mail.db", (VERSION_1, half.replace("(b)", "(a)")))
    version, found = shape(tmp_path / "state" / "mail.db")
    assert version == before[0] + 1
    assert {name for name, _ in found} == {name for name, _ in before[1]} | {"added", "added_by_b"}


@pytest.mark.parametrize("name", KINDS)
def test_a_newer_schema_is_refused_and_left_alone(tmp_path: Path, name: str) -> None:
    with DnsZone() as zone, SmtpPeer().in_thread() as peer:
        host = OneHost(tmp_path, zone, peer)
    database = host.program[KINDS[name]]
    fetched(database._writer, f"PRAGMA user_version={NEWEST[name] + 1}")
    for kind in KINDS.values():
        host.program[kind]._writer.close()
    before = dump(host.folder / f"{name}.db")
    sentence = refusal(host.environment)
    assert sentence == (
        f"posthorn: {name}.db was written by a newer release"
        f" (schema {NEWEST[name] + 1}, this one knows {NEWEST[name]})."
    )
    assert dump(host.folder / f"{name}.db") == before


def dump(path: Path) -> list[str]:
    """All that a database holds."""
    db = apsw.Connection(str(path))
    try:
        tables = fetched(db, "SELECT name FROM sqlite_schema WHERE type = 'table'")
        version = [f"version {fetched(db, 'PRAGMA user_version')}"]
        return version + [
            f"{name} {row}"
            for (name,) in tables
            for row in fetched(db, "SELECT * FROM " + name)  # noqa: S608  # from the schema itself
        ]
    finally:
        db.close()
