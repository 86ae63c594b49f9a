"""What no version that is known has written is refused in one sentence, and nothing of it is changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.database import Database, fetched
from chalicelib.adapters.sqlite.mail_schema import MAIL_SCHEMA, MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from tests.upgrade import kept

NEWEST = len(MAIL_SCHEMA)
KINDS: tuple[type[Database], ...] = (MailDatabase, ControlDatabase)
# What was done to which database, and what is said of it.
STRANGE = {
    "a newer mail.db": (
        "mail.db",
        "PRAGMA user_version=99",
        f"mail.db was written by a newer release (schema 99, this one knows {NEWEST})",
    ),
    "a newer control.db": (
        "control.db",
        "PRAGMA user_version=99",
        "control.db was written by a newer release (schema 99, this one knows 1)",
    ),
    "no version": (
        "mail.db",
        "PRAGMA user_version=0",
        "mail.db was written by no release: it has tables, but no schema",
    ),
    "a version that nobody has": (
        "control.db",
        "PRAGMA user_version=-7",
        "control.db was written by no release (schema -7)",
    ),
    "the database of another program": (
        "mail.db",
        "DROP TABLE queue; PRAGMA user_version=0",
        "mail.db was written by no release: it has tables, but no schema",
    ),
}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A folder as the newest version left it."""
    state = tmp_path / "state"
    kept.unpack_state(kept.RELEASES / kept.versions()[-1] / "one-host" / "state.tar.xz", state)
    return state


def told(path: Path, statement: str) -> None:
    """Have a database say something else of itself."""
    db = apsw.Connection(str(path))
    fetched(db, statement)
    fetched(db, "PRAGMA journal_mode=DELETE")
    db.close()


def contents(state: Path) -> dict[str, str]:
    """Every file but those by which processes know of each other."""
    files = [path for path in state.rglob("*") if path.is_file() and path.stat().st_size]
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
        if not path.name.endswith(("-shm", "-wal"))
    }


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", STRANGE)
def test_neither_database_of_such_a_folder_is_touched(
    state: Path, name: str, kind: type[Database]
) -> None:
    database, statement, sentence = STRANGE[name]
    told(state / database, statement)
    other = "mail.db" if database == "control.db" else "control.db"
    told(state / other, "PRAGMA quick_check")
    before = contents(state)
    with pytest.raises(PermanentFailure) as refused:
        Posthorn(Settings(state_folder=str(state)), "sqlite")[kind]
    assert refused.value.public == sentence
    assert contents(state) == before


def test_an_older_database_is_not_brought_up_beside_one_that_does_not_fit(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir(mode=0o700)
    script = (kept.ROOT / "tests/data/schemas/mail-4.sql").read_text()
    told(state / "mail.db", f"{script}; PRAGMA user_version=4")
    told(state / "control.db", "CREATE TABLE nouns(a); PRAGMA user_version=99")
    (state / "key").write_text(f"{'00' * 32}\n")
    (state / "key").chmod(0o600)
    before = contents(state)
    for kind in KINDS:
        with pytest.raises(PermanentFailure, match=r"control\.db was written by a newer release"):
            Posthorn(Settings(state_folder=str(state)), "sqlite")[kind]
    assert contents(state) == before
