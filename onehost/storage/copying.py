"""Folders that belong to this user, and files copied durably."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.adapters.sqlite.folder import CONTROL, check_file_system, check_owner
from chalicelib.domain.errors import PermanentFailure

_PIECE = 1024 * 1024


def existing(state: Path) -> None:
    """PermanentFailure when there is no state folder of this user's, on a disk of this machine."""
    if not state.is_dir() or not (state / CONTROL).exists():
        raise PermanentFailure(f"There is no installation in the state folder {state}")
    check_owner(state)
    check_file_system(state)


def own_folder(path: Path, absent: str) -> None:
    """PermanentFailure for what is no folder, with this text about its path, and for somebody else's."""
    if not path.is_dir():
        raise PermanentFailure(absent.format(path))
    if path.stat().st_uid != os.geteuid():
        raise PermanentFailure(f"{path} belongs to another user")


@contextmanager
def to_itself(folder: Path, busy: str) -> Iterator[None]:
    """Alone with a folder among all who ask for it here; PermanentFailure with this text about it otherwise."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as held:
        raise PermanentFailure(busy.format(folder)) from held
    finally:
        os.close(descriptor)


def copy_tail(source: Path, target: Path, known: int = 0) -> int:
    """Copy what the target lacks after its first `known` bytes, and make it durable; its size."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    with (
        source.open("rb") as reader,
        os.fdopen(os.open(target, flags, 0o600), "wb") as writer,
    ):
        end = os.fstat(reader.fileno()).st_size
        size = os.fstat(writer.fileno()).st_size
        if known == size == end:
            return end
        at = min(known, size)
        writer.truncate(at)
        reader.seek(at)
        writer.seek(at)
        while at < end and (piece := reader.read(min(_PIECE, end - at))):
            at += writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
        return at


def sync_file(path: Path) -> None:
    """Make durable what was written to a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
