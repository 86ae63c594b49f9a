"""The state folder of one host: where databases, bodies and the key lie, and the lock that its writers share.

Without a folder everything is kept in the process and ends with it. A folder is made for its user alone.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure

LOCK = "lock"
RUN = "run"
LEAST_ROOM, LEAST_SHARE = 1 << 30, 20
"""Bytes, and one part in so many of the file system; the lesser of both."""


class StateFolder:
    """The folder that the settings name; `path` is None when everything is kept in memory."""

    def __init__(self, settings: Settings) -> None:
        self.path: Path | None = None
        if settings.state_folder:
            self.path = Path(settings.state_folder).absolute()
            self._make()

    def file(self, name: str) -> Path | None:
        """Where a file of this name lies."""
        return None if self.path is None else self.path / name

    @property
    def run(self) -> Path | None:
        """Where processes say that they are alive."""
        return self.file(RUN)

    @property
    def is_full(self) -> bool:
        """Whether so little room is left that no mail may be taken, because what was taken must still be delivered."""
        if self.path is None:
            return False
        facts = os.statvfs(self.path)
        room, size = facts.f_bavail * facts.f_frsize, facts.f_blocks * facts.f_frsize
        return room < min(LEAST_ROOM, size // LEAST_SHARE)

    @contextmanager
    def locked(self, descriptor: int | None) -> Iterator[None]:
        """Alone among all writers of the folder, in this process and in others; `descriptor` is of `open_lock`."""
        if descriptor is None:
            yield
            return
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def open_lock(self) -> int | None:
        """A descriptor for `locked`; each writer needs one of its own."""
        if self.path is None:
            return None
        return os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _make(self) -> None:
        if self.path is None:
            return
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.stat().st_uid != os.geteuid():
            raise PermanentFailure(f"The state folder {self.path} belongs to another user")
        (self.path / RUN).mkdir(mode=0o700, exist_ok=True)
