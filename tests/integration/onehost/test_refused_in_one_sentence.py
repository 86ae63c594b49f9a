"""A state folder that cannot be used: each command says why in one sentence, ends with 1, and leaves it as it is."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite import file_system, folder
from tests.integration.onehost.conftest import Run
from tests.one_host import refusal

Patch = pytest.MonkeyPatch
READERS = ("status", "check", "backup saved", "doctor --mx 127.0.0.1:1 --time-from 127.0.0.1:1")
WRITERS = ("serve", "init", "organization list")


@pytest.fixture
def state(tmp_path: Path, posthorn: Run, monkeypatch: Patch) -> Path:
    """A folder that was set up."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POSTHORN_STATE_FOLDER", str(tmp_path / "state"))
    monkeypatch.setenv("POSTHORN_SMTP_HOSTNAME", "mail.acme.test")
    monkeypatch.setenv("POSTHORN_PROCESSES", "3")
    for name in ("MX", "SUBMISSION", "SUBMISSIONS", "HTTP", "HEALTH"):
        monkeypatch.setenv(f"POSTHORN_{name}_PORT", "0")
    assert posthorn("init", "--json").code == 0
    return tmp_path / "state"


def refused(posthorn: Run, command: str) -> str:
    """The one sentence, which those that find faults print with their findings."""
    outcome = posthorn(*command.split())
    assert outcome.code == 1, outcome
    if command.split(maxsplit=1)[0] in {"check", "doctor"} and not outcome.err:
        return outcome.out
    (sentence,) = outcome.err.splitlines()
    assert sentence.startswith("posthorn: ")
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize("command", [*READERS, *WRITERS])
def test_of_somebody_else(state: Path, posthorn: Run, monkeypatch: Patch, command: str) -> None:
    monkeypatch.setattr(folder.os, "geteuid", lambda: os.getuid() + 1)
    assert "belongs to the user" in refused(posthorn, command)


@pytest.mark.parametrize("command", [*READERS, *WRITERS])
def test_on_a_network_file_system(
    state: Path, posthorn: Run, monkeypatch: Patch, command: str
) -> None:
    monkeypatch.setattr(file_system, "kind_of", lambda path: 0x6969)
    assert "lies on a network file system (NFS)" in refused(posthorn, command)


def newer(path: Path) -> None:
    db = apsw.Connection(str(path))
    db.execute("PRAGMA user_version=99").fetchall()
    db.close()


@pytest.mark.parametrize("name", ["mail.db", "control.db"])
@pytest.mark.parametrize("command", [*READERS, "init", "organization list"])
def test_of_a_newer_release(state: Path, posthorn: Run, command: str, name: str) -> None:
    newer(state / name)
    assert f"{name} was written by a newer release (schema 99" in refused(posthorn, command)


@pytest.mark.parametrize("name", ["mail.db", "control.db"])
def test_of_a_newer_release_served_by_several(state: Path, name: str) -> None:
    newer(state / name)
    assert f"{name} was written by a newer release (schema 99" in refusal(os.environ)


def test_with_a_wrong_key_served_by_several(state: Path) -> None:
    (state / "key").unlink()
    (state / "key").write_text("ab" * 32)
    (state / "key").chmod(0o400)
    assert f"{state / 'key'} is not the key file of this state folder" in refusal(os.environ)


def no_room(monkeypatch: Patch, name: str) -> None:
    """Nothing can be made or opened under this name."""
    real: Callable[..., int] = os.open

    def opened(path: str | Path, flags: int, *more: int, **options: int) -> int:
        if Path(path).name == name and flags & os.O_CREAT:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return real(path, flags, *more, **options)

    monkeypatch.setattr(folder.os, "open", opened)


@pytest.mark.parametrize(
    ("command", "name"),
    [("organization list", "lock"), ("serve", "supervisor.lock"), ("init --state new", "key.new")],
)
def test_on_a_full_disk(
    state: Path, posthorn: Run, monkeypatch: Patch, command: str, name: str
) -> None:
    no_room(monkeypatch, name)
    assert "cannot be used: No space left on device" in refused(posthorn, command)
