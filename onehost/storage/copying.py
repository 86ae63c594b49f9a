"""Folders that belong to this user, and files copied durably."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.adapters.sqlite.folder import CONTROL, check_file_system, check_owner
from chalicelib.domain.errors import PermanentFailure

_PIECE = 1024 * 1024
_SHARE_BLOCKS = 0x40049409  # FICLONE of ioctl_ficlone(2)
# File systems keep times to two seconds, at the worst.
_SAME_SECONDS = 2.0


def existing(state: Path) -> None:
    """PermanentFailure when there is no state folder of this user's, on a disk of this machine."""
    if state.is_dir():
        check_owner(state)
        check_file_system(state)
    if not (state / CONTROL).exists():
        raise PermanentFailure(f"There is no installation in the state folder {state}")


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
    """Copy what the target lacks after its first `known` bytes, and make it durable; its size. A target that lacks
    nothing is not touched: other backups may share it."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    with (
        source.open("rb") as reader,
        os.fdopen(os.open(target, flags, 0o600), "wb") as writer,
    ):
        end = os.fstat(reader.fileno()).st_size
        size = os.fstat(writer.fileno()).st_size
        if known == size >= end:
            return known
        at = min(known, size)
        writer.truncate(at)
        reader.seek(at)
        writer.seek(at)
        while at < end and (piece := reader.read(min(_PIECE, end - at))):
            at += writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
        return at


def copy_whole(source: Path, target: Path) -> int:
    """Copy a file with the time of its last change, whole or not at all, and make it durable; its size. Blocks are
    shared until either side changes, where the file system can do that."""
    new = target.with_name(f"{target.name}.new")
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    with source.open("rb") as reader, os.fdopen(os.open(new, flags, 0o600), "wb") as writer:
        facts = os.fstat(reader.fileno())
        try:
            fcntl.ioctl(writer.fileno(), _SHARE_BLOCKS, reader.fileno())
        except OSError:
            shutil.copyfileobj(reader, writer, _PIECE)
        writer.flush()
        os.utime(writer.fileno(), ns=(facts.st_atime_ns, facts.st_mtime_ns))
        os.fsync(writer.fileno())
        size = os.fstat(writer.fileno()).st_size
    new.replace(target)
    return size


def is_as_copied(source: Path, target: Path) -> bool:
    """Whether nothing was changed since `copy_whole`; FileNotFoundError when either is gone."""
    changed = abs(source.stat().st_mtime - target.stat().st_mtime)
    return changed < _SAME_SECONDS and not target.samefile(source)


def size_of(path: Path) -> int:
    """Bytes of a file; -1 where there is none."""
    return path.stat().st_size if path.is_file() else -1


def sync_file(path: Path) -> None:
    """Make durable what was written to a file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
