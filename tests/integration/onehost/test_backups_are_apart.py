"""Bytes that are erased in the state folder after a backup stay in the backup, which restores whole, until the next
backup, which forgets them too; what is damaged is not taken over."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.sqlite.segments import HEAD
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.model import Message
from onehost.storage import copying
from tests.integration.onehost.conftest import Run
from tests.kept_mail import Host, make_host, opened

SECRET, OTHER = "the words that are erased", "the words that stay"


@pytest.fixture
async def host(state: Path) -> Host:
    """A host that was set up."""
    return await make_host(state)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    return tmp_path / "saved"


async def two_messages(host: Host) -> tuple[Message, Message]:
    """In a segment that has ended, because its day is over."""
    (erased,) = await host.accept(words=SECRET)
    (stays,) = await host.accept(words=OTHER)
    (segment,) = host.folder.glob("bodies/*/*.seg")
    old = segment.parent.with_name("20200101")
    old.mkdir(mode=0o700)
    segment.rename(old / segment.name)
    segment.parent.rmdir()
    host.posthorn = opened(host.folder)
    key = f"20200101/{segment.name}"
    change(host, "UPDATE messages SET blob = json_set(blob, '$[0]', ?)", key)
    long_ago = time.time() - 86_400
    os.utime(old / segment.name, (long_ago, long_ago))
    return moved(erased, key), moved(stays, key)


def moved(message: Message, key: str) -> Message:
    return replace(message, blob=replace(message.blob, key=key))


def change(host: Host, statement: str, *values: object) -> None:
    db = apsw.Connection(str(host.folder / "mail.db"))
    db.execute(statement, values).fetchall()
    db.close()


def segment_of(folder: Path) -> Path:
    (found,) = folder.glob("bodies/20200101/*.seg")
    return found


def overwrite(host: Host, message: Message, offset: int, length: int) -> None:
    """Zeros in place of bytes of a body, counted from its head."""
    with segment_of(host.folder).open("r+b") as file:
        file.seek(message.blob.offset - HEAD.size + offset)
        file.write(bytes(length))


def erase(host: Host, message: Message) -> None:
    """Row and body, in place, as erasing does."""
    change(host, "DELETE FROM messages WHERE key & 0x7fffffff = ?", message.id)
    overwrite(host, message, 0, HEAD.size + message.blob.length)


def words(folder: Path) -> set[str]:
    content = segment_of(folder).read_bytes().decode("latin-1")
    return {text for text in (SECRET, OTHER) if text in content}


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
