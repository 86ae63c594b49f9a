"""Every table and every file of a state folder has a row that says what becomes of it."""

from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import apsw

from chalicelib.adapters.sqlite import expiry
from chalicelib.adapters.sqlite.kept import EACH_MINUTE, FILES, TABLES, Copied, Restored, kind_of
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.mail_schema import key_of
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.integration.onehost.conftest import Run
from tests.kept_mail import fill, make_host
from tests.patience import PATIENCE


async def test_every_table_and_every_file_has_a_row(state: Path) -> None:
    await fill(await make_host(state))
    tables = set()
    for name in ("mail.db", "control.db", "search.db"):
        db = apsw.Connection(str(state / name), flags=apsw.SQLITE_OPEN_READONLY)
        found = db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        tables |= {(name, table) for (table,) in found if not table.startswith("sqlite_")}
        db.close()
    files = [path.relative_to(state) for path in state.rglob("*") if not path.is_dir()]

    assert tables == {(one.database, one.name) for one in TABLES}
    assert [file for file in files if kind_of(PurePosixPath(file)) is None] == []
    assert {kind_of(PurePosixPath(file)).copied for file in files} == set(Copied)  # type: ignore[union-attr]


async def test_a_restore_does_with_each_table_what_its_row_says(
    state: Path, tmp_path: Path, posthorn: Run
) -> None:
    await fill(await make_host(state))
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    shutil.copy2(state / "key", other / "key")
    posthorn("backup", str(tmp_path / "saved"), "--state", str(state))
    posthorn("restore", str(tmp_path / "saved"), "--state", str(other))

    for table in (one for one in TABLES if one.restored is not Restored.MADE_ANEW):
        before, after = (_rows(folder / table.database, table.name) for folder in (state, other))
        if table.restored is Restored.AS_IT_WAS:
            assert before
            assert before == after[: len(before)], table.name  # the log grew by what is held
        elif table.restored is Restored.REMOVED:
            assert before
            assert after == []
        elif table.restored is Restored.RAISED:
            now = {row[:-1]: row[-1] for row in after}
            assert all(now[row[:-1]] >= row[-1] + 100 for row in before)
        else:
            assert [row[0] for row in before] == [row[0] for row in after]


async def test_a_restored_folder_gets_what_is_made_anew(
    state: Path, tmp_path: Path, posthorn: Run
) -> None:
    mail = await fill(await make_host(state))
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    shutil.copy2(state / "key", other / "key")
    posthorn("backup", str(tmp_path / "saved"), "--state", str(state))
    posthorn("restore", str(tmp_path / "saved"), "--state", str(other))
    anew = {one.database for one in TABLES if one.restored is Restored.MADE_ANEW}
    assert anew == {"search.db"}
    assert not (other / "search.db").exists()

    index = Posthorn(Settings(state_folder=str(other)), "sqlite")[SqliteMailIndex]
    await index.tidy(PATIENCE)
    told = {key for key, *_ in _rows(other / "search.db", "told")}
    assert told == {key_of(one.server_id, one.id) for one in mail.values()}


def _rows(path: Path, table: str) -> list[tuple[object, ...]]:
    db = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608
    db.close()
    return found


def test_a_file_of_somebody_else_has_none() -> None:
    assert kind_of(PurePosixPath("mail.db.old")) is None
    assert kind_of(PurePosixPath("bodies/notes.txt")) is None


def test_expiry_looks_after_the_tables_that_say_so() -> None:
    removed = {statement.split()[2] for statement in expiry._OVER}
    assert removed == {one.name for one in TABLES if one.purged == EACH_MINUTE}


def test_every_row_says_everything() -> None:
    assert all(one.moved and one.kept and one.erased and one.purged for one in (*TABLES, *FILES))
