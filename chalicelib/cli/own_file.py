"""A file is read only if nobody but its reader can have written it.

`read_own_file` promises that the file it reads is the one whose owner and mode it has seen, whatever becomes of the
names meanwhile. It does not judge the folders above the file's own, nor what is in the file: a copy that this user made
of somebody else's file is this user's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

LARGEST = 1024 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO


class NotOurs(Exception):
    """The file is not believed. Its text is a clause that says why."""


def read_own_file(path: Path, *, private: bool = False) -> bytes:
    """The content of a file of at most a MiB; NotOurs, or OSError when it cannot be read. One that is `private` nobody
    else may read either."""
    with _opened(path.parent, os.O_DIRECTORY) as folder:
        _check(os.fstat(folder), "its folder")
        if stat.S_ISLNK(os.stat(path.name, dir_fd=folder, follow_symlinks=False).st_mode):
            raise NotOurs("it is a symbolic link")
        # A FIFO must not make the opening wait; a link that has just been put there fails.
        with _opened(Path(path.name), os.O_NOFOLLOW | os.O_NONBLOCK, folder) as file:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                raise NotOurs("it is no file")
            _check(found, "it")
            if private and found.st_mode & _OTHERS_READ:
                raise NotOurs("others may read it; chmod 600")
            if found.st_size > LARGEST:
                raise NotOurs("it is too large")
            return os.read(file, LARGEST)


def _check(found: os.stat_result, what: str) -> None:
    if found.st_uid != os.geteuid():
        raise NotOurs(f"{what} belongs to another user")
    if found.st_mode & _OTHERS_WRITE:
        raise NotOurs(f"others may write to {what}; chmod go-w it if all in it is yours")


@contextmanager
def _opened(path: Path, flags: int, folder: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
