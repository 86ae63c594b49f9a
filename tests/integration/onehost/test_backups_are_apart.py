"""Bytes that are erased in the state folder after a backup stay in the backup, which restores whole, until the next
backup, which forgets them too; what is damaged is not taken over."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite.segments import HEAD
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import Message
from onehost.storage import copying
from tests.ended_segments import (
    OTHER,
    SECRET,
    erase,
    overwrite,
    segment_of,
    two_messages,
    words,
)
from tests.integration.onehost.conftest import Run
from tests.kept_mail import Host, make_host, opened


@pytest.fixture
async def host(state: Path) -> Host:
    """A host that was set up."""
    return await make_host(state)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "saved"


def restored(host: Host, saved: Path, other: Path, posthorn: Run) -> Posthorn:
    shutil.rmtree(other, ignore_errors=True)
    other.mkdir(mode=0o700)
    shutil.copy2(host.folder / "key", other / "key")
    done = posthorn("restore", str(saved), "--state", str(other))
    assert done.code == 0, done.err
    assert posthorn("check", "--state", str(other)).code == 0
    return opened(other)


async def test_what_is_erased_afterwards_is_still_restored(
    host: Host, saved: Path, tmp_path: Path, posthorn: Run
) -> None:
    erased, _ = await two_messages(host)
    backup = ("backup", str(saved), "--state", str(host.folder))
    assert posthorn(*backup).code == 0
    assert segment_of(saved).stat().st_nlink == 1
    erase(host, erased)
    assert words(saved) == {SECRET, OTHER}
    again = restored(host, saved, tmp_path / "other", posthorn)
    assert SECRET.encode() in await Host.body(_of(host, again), erased)


def _of(host: Host, program: Posthorn) -> Host:
    return Host(host.folder, program, host.server, host.principal, host.key)


async def test_the_next_backup_forgets_what_was_erased(
    host: Host, saved: Path, tmp_path: Path, posthorn: Run
) -> None:
    erased, _ = await two_messages(host)
    backup = ("backup", str(saved), "--state", str(host.folder))
    assert posthorn(*backup).code == 0
    before = segment_of(saved).stat().st_ino
    assert posthorn(*backup).code == 0
    assert segment_of(saved).stat().st_ino == before  # nothing changed, nothing was copied
    erase(host, erased)
    assert posthorn(*backup).code == 0
    assert words(saved) == {OTHER}
    restored(host, saved, tmp_path / "other", posthorn)


async def test_a_backup_that_stops_has_forgotten_nothing(
    host: Host, saved: Path, tmp_path: Path, posthorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    erased, _ = await two_messages(host)
    backup = ("backup", str(saved), "--state", str(host.folder))
    assert posthorn(*backup).code == 0
    erase(host, erased)
    with monkeypatch.context() as patch:
        patch.setattr("onehost.storage.backup.write_manifest", None)
        assert posthorn(*backup).code == 1
    again = restored(host, saved, tmp_path / "other", posthorn)
    assert SECRET.encode() in await Host.body(_of(host, again), erased)


DAMAGE: dict[str, Callable[[Host, Message], None]] = {
    "a letter": lambda host, message: overwrite(host, message, HEAD.size + 30, 1),
    "a head": lambda host, message: overwrite(host, message, 0, HEAD.size),
    "its end": lambda host, message: os.truncate(segment_of(host.folder), 50),
}


@pytest.mark.parametrize("name", DAMAGE)
async def test_what_is_damaged_is_not_taken_over(
    host: Host, saved: Path, tmp_path: Path, posthorn: Run, name: str
) -> None:
    _, stays = await two_messages(host)
    backup = ("backup", str(saved), "--state", str(host.folder))
    assert posthorn(*backup).code == 0
    DAMAGE[name](host, stays)
    assert posthorn(*backup).code == 0
    again = restored(host, saved, tmp_path / "other", posthorn)
    assert OTHER.encode() in await Host.body(_of(host, again), stays)


async def test_a_folder_that_was_copied_by_links_is_apart_after_the_next_backup(
    host: Host, saved: Path, posthorn: Run
) -> None:
    await two_messages(host)
    backup = ("backup", str(saved), "--state", str(host.folder))
    assert posthorn(*backup).code == 0
    segment_of(saved).unlink()
    os.link(segment_of(host.folder), saved / segment_of(host.folder).relative_to(host.folder))
    assert posthorn(*backup).code == 0
    assert segment_of(saved).stat().st_nlink == 1
    assert words(saved) == {SECRET, OTHER}


def test_blocks_are_shared_where_the_file_system_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "source").write_bytes(b"bytes")
    asked = []

    def share(descriptor: int, request: int, other: int) -> None:
        asked.append(request)
        os.pwrite(descriptor, os.pread(other, 100, 0), 0)

    with monkeypatch.context() as patch:
        patch.setattr(copying.fcntl, "ioctl", share)
        patch.setattr(copying.shutil, "copyfileobj", None)
        assert copying.copy_whole(tmp_path / "source", tmp_path / "shared") == 5
    assert asked == [0x40049409]
    assert copying.copy_whole(tmp_path / "source", tmp_path / "copied") == 5
    for name in ("shared", "copied"):
        assert (tmp_path / name).read_bytes() == b"bytes"
        assert copying.is_as_copied(tmp_path / "source", tmp_path / name)
