"""A state folder that cannot be trusted is refused when it is opened, with one sentence, and nothing is damaged."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite import database, file_system, folder
from chalicelib.adapters.sqlite.control import ControlDatabase
from chalicelib.adapters.sqlite.file_system import Room, kind_of, room_at
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.vault import KeyVault


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


def opened(state: Path) -> Posthorn:
    """The program on this folder, with both databases open."""
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")
    assert program[ControlDatabase]
    assert program[MailDatabase]
    return program


def refused(state: Path) -> str:
    """The sentence with which the folder is refused."""
    with pytest.raises(PermanentFailure) as failure:
        opened(state)
    assert "\n" not in failure.value.public
    return failure.value.public


def test_a_new_folder_is_for_its_user_alone(state: Path) -> None:
    opened(state)
    assert state.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in state.iterdir()} == {0}
    opened(state)


def test_a_folder_of_another_user(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(state)
    monkeypatch.setattr(folder.os, "geteuid", lambda: os.getuid() + 1)
    text = refused(state)
    assert "belongs to the user" in text
    assert "runuser -u" in text


def test_a_folder_that_others_may_look_into(state: Path) -> None:
    state.mkdir(mode=0o700)
    state.chmod(0o750)
    assert f"chmod 700 {state}" in refused(state)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "cannot be used: Not a directory" in refused(tmp_path / "file" / "state")


@pytest.mark.parametrize(("kind", "name"), [(0x6969, "NFS"), (0xFF534D42, "CIFS")])
def test_a_network_file_system(
    state: Path, monkeypatch: pytest.MonkeyPatch, kind: int, name: str
) -> None:
    monkeypatch.setattr(file_system, "kind_of", lambda path: kind)
    assert f"network file system ({name})" in refused(state)


def test_the_kernels_word_for_a_file_system() -> None:
    said = subprocess.run(
        ["stat", "-f", "-c", "%t", "/proc"], capture_output=True, text=True, check=True
    )
    assert kind_of(Path("/proc")) == int(said.stdout, 16) == 0x9FA0
    with pytest.raises(OSError, match="No such file"):
        kind_of(Path("/nowhere"))


def test_room(tmp_path: Path) -> None:
    found = room_at(tmp_path)
    assert 0 <= found.free <= found.total
    assert Room(0, 10 << 30).least == (10 << 30) // 20
    assert Room(0, 1 << 40).least == 1 << 30


async def test_the_key_of_another_folder(state: Path, tmp_path: Path) -> None:
    sealed = await opened(state)[KeyVault].seal(b"secret", {})
    opened(tmp_path / "other")
    right = (state / "key").read_bytes()
    (state / "key").unlink()
    (tmp_path / "other" / "key").rename(state / "key")
    assert f"{state / 'key'} is not the key file of this state folder" in refused(state)
    (state / "key").unlink()
    (state / "key").write_bytes(right)
    (state / "key").chmod(0o400)
    assert await opened(state)[KeyVault].open(sealed, {}) == b"secret"


def test_a_key_that_is_missing_is_not_made_again(state: Path) -> None:
    opened(state)
    (state / "key").unlink()
    assert "is missing: put it back" in refused(state)
    assert not (state / "key").exists()


async def test_a_newer_key_in_front_opens_what_the_older_sealed(state: Path) -> None:
    sealed = await opened(state)[KeyVault].seal(b"secret", {})
    key = state / "key"
    older = key.read_text()
    key.chmod(0o600)
    key.write_text("ab" * 32 + "\n" + older)
    assert await opened(state)[KeyVault].open(sealed, {}) == b"secret"


@pytest.mark.parametrize("text", ["", "abcd\n", "not hex\n", "\xff"])
def test_a_file_that_is_no_key(state: Path, text: str) -> None:
    state.mkdir(mode=0o700)
    (state / "key").write_text(text, "latin-1")
    (state / "key").chmod(0o400)
    assert "is no key file" in refused(state)


def test_a_key_that_others_may_read(state: Path) -> None:
    opened(state)
    (state / "key").chmod(0o440)
    assert "chmod 400" in refused(state)


@pytest.mark.parametrize("name", ["control.db", "mail.db"])
def test_a_database_of_a_newer_release(state: Path, name: str) -> None:
    opened(state)
    with apsw.Connection(str(state / name)) as db:
        db.execute("PRAGMA user_version=7").fetchall()
    before = (state / name).read_bytes()
    assert f"{name} was written by a newer release (schema 7" in refused(state)
    assert (state / name).read_bytes() == before


def test_a_file_that_is_no_database(state: Path) -> None:
    opened(state)
    for path in state.glob("mail.db*"):
        path.unlink()
    (state / "mail.db").write_text("this is a letter, and no database\n" * 40)
    assert f"{state / 'mail.db'} cannot be opened: " in refused(state)
    assert (state / "mail.db").read_text().startswith("this is a letter")


def test_an_sqlite_that_loses_commits(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = sqlite3.sqlite_version_info
    number = old[0] * 1_000_000 + old[1] * 1_000 + old[2]
    monkeypatch.setattr(database.apsw, "SQLITE_VERSION_NUMBER", min(number, 3_040_001))
    assert "3.51.3 or newer is needed" in refused(state)
    assert not list(state.glob("*.db"))


def test_memory_needs_no_key_file() -> None:
    assert Posthorn(Settings(), "sqlite")[ControlDatabase]
    assert StateFolder(Settings()).path is None


@pytest.mark.parametrize("name", ["mail.db", "control.db"])
def test_a_database_that_was_lost_is_not_made_again_empty(state: Path, name: str) -> None:
    """Its numbers would begin anew, and name messages that there have been."""
    opened(state)
    body = state / "bodies" / "20261129" / "a-1.seg"
    body.parent.mkdir(parents=True)
    body.write_bytes(b"PHb1")
    opened(state)
    for path in state.glob(f"{name}*"):
        path.unlink()
    said = f"{name} is missing, although there are messages: restore a backup"
    assert said in refused(state)
    assert not (state / name).exists()
    (state / name).touch(0o600)  # as a copy that failed leaves it
    assert said in refused(state)
    assert not (state / name).stat().st_size
