"""One more dated backup, which shares with the one before the files that neither has changed.

Only files that nobody appends to are shared, by hard links, and no file of a backup is ever written to again: where the
state folder has changed one in place, as erasing does, the new backup gets a copy of its own, and the older ones keep
what they had until they go. Until it is finished it has a name of its own, and a run that is killed leaves those before
as they were.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from chalicelib.adapters.sqlite.file_system import room_at
from chalicelib.adapters.sqlite.folder import CONTROL, make_own
from chalicelib.adapters.sqlite.segments import sync_folder
from chalicelib.adapters.sqlite.snapshot import SCHEMAS, installation_of, opened_to_read
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from onehost.backups.dated import MAKING, Dated, next_name
from onehost.storage.backup import ended_of, names_of, take
from onehost.storage.copying import existing, size_of
from onehost.storage.last_backup import note_backup
from onehost.storage.manifest import Manifest, write_manifest
from onehost.storage.progress import Progress

MIB = 1 << 20
# Where a file system has no hard links, or has too many of this file, all of it is copied.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


@dataclass(frozen=True, slots=True)
class Taken:
    """A dated backup that was made."""

    path: Path
    manifest: Manifest


def take_dated(
    state: Path,
    folder: Path,
    earlier: list[Dated],
    doubted: Collection[str],
    clock: Clock,
    progress: Progress,
) -> Taken:
    """Take it. Files of the newest earlier backup that are `doubted` are copied anew where the state folder has them.
    One sentence as PermanentFailure for what stands against it; then nothing of it is left."""
    existing(state)
    making = folder / MAKING
    now = clock.now()
    before = _readable(earlier)
    _check_installation(state, folder, before)
    shared = _shared(state, before, doubted, now) if before else {}
    check_room(folder, state, _needed(state, shared), "a backup")
    try:
        making.mkdir(mode=0o700)
        if before:
            _begin_with(making, before.path, before.manifest, shared)
        made = take(state, making, clock, progress)
        path = folder / next_name(earlier, made.began_at)
        making.rename(path)
        sync_folder(folder)
    except Exception as failed:
        shutil.rmtree(making, ignore_errors=True)
        if isinstance(failed, OSError) and failed.errno == errno.ENOSPC:
            raise PermanentFailure(f"There is no room left for a backup in {folder}") from failed
        raise
    if not made.missing:
        note_backup(state, made.began_at)
    return Taken(path, made)


def check_room(folder: Path, state: Path, needed: int, what: str) -> None:
    """PermanentFailure unless so many bytes fit, and on the disk of the state folder what mail needs besides."""
    room = room_at(folder)
    kept = room.least if folder.stat().st_dev == state.stat().st_dev else 0
    if room.free < needed + kept:
        raise PermanentFailure(
            f"There is no room for {what} in {folder}: it takes {needed / MIB:,.0f} MiB, and"
            f" {max(0, room.free - kept) / MIB:,.0f} MiB may be used"
        )


def _check_installation(state: Path, folder: Path, before: Dated | None) -> None:
    with opened_to_read(state / CONTROL) as db:
        installation = installation_of(db)
    if before and before.manifest.installation not in ("", installation):
        raise PermanentFailure(f"{folder} has the backups of another installation")


def _readable(earlier: list[Dated]) -> Dated | None:
    """The newest one that can be read."""
    return next((one for one in reversed(earlier) if one.began_at), None)


def _shared(state: Path, before: Dated, doubted: Collection[str], now: float) -> dict[str, int]:
    """Files of the backup before that are as long as they will be, or that the state folder has lost; with sizes."""
    ended = ended_of(list(names_of(state)), now)
    found = {}
    for name, size in before.manifest.files.items():
        here, there = size_of(state / name), size_of(before.path / name)
        is_whole = name in ended and here == size and name not in doubted
        if there == size and (is_whole or here < size):
            found[name] = size
    return found


def _needed(state: Path, shared: Collection[str]) -> int:
    """Bytes that a backup takes at most."""
    files = sum(max(0, size_of(state / name)) for name in names_of(state) if name not in shared)
    databases = sum(
        max(0, size_of(state / f"{name}{end}")) for name in SCHEMAS for end in ("", "-wal")
    )
    return files + databases


def _begin_with(making: Path, before: Path, manifest: Manifest, shared: dict[str, int]) -> None:
    """Have the shared files in the new backup, and a manifest that says so."""
    linked = {}
    for name, size in shared.items():
        make_own((making / name).parent)
        try:
            os.link(before / name, making / name, follow_symlinks=False)
        except OSError as refused:
            if refused.errno not in _NO_LINKS:
                raise
            shutil.copy2(before / name, making / name)
        linked[name] = size
    write_manifest(making, replace(manifest, databases={}, files=linked, missing=()))
