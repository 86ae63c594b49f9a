"""The state folder of one host: where databases, bodies and the key lie, and the lock that its writers share.

Without a folder everything is kept in the process and ends with it. A folder is made for its user alone, and one that
others may read, that belongs to another user or that lies on another machine is refused.
"""

from __future__ import annotations

import fcntl
import os
import pwd
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chalicelib.adapters.sqlite import file_system
from chalicelib.config import Settings
from chalicelib.domain.errors import PermanentFailure

LOCK, SEARCH_LOCK = "lock", "search.lock"
RUN = "run"
RESTORING, MOVING, MOVED = "restoring", "moving", "moved"
MOVE_STEPS = "move.json"
CONTROL, MAIL, SEARCH = "control.db", "mail.db", "search.db"
KEY, BODIES = "key", "bodies"


class FlushFailed(OSError):
    """Nobody knows whether what was written is on the disk."""


class StateFolder:
    """The folder that the settings name; `path` is None when everything is kept in memory. `moving` is said by a move
    alone, which goes on with a folder that nobody else may use any more."""

    def __init__(self, settings: Settings, *, moving: bool = False) -> None:
        self.path: Path | None = None
        self._moving = moving
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
    def has_bodies(self) -> bool:
        """Whether there are bodies of messages, which only databases can name."""
        return self.path is not None and any((self.path / BODIES).glob("*/*.seg"))

    @property
    def is_full(self) -> bool:
        """Whether so little room is left that no mail may be taken, because what was taken must still be delivered."""
        if self.path is None:
            return False
        room = file_system.room_at(self.path)
        return room.free < room.least

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

    def open_lock(self, name: str = LOCK) -> int | None:
        """A descriptor for `locked`; each writer needs one of its own. Writers with locks of two names do not wait for
        each other. PermanentFailure."""
        if self.path is None:
            return None
        with self.opening():
            return os.open(self.path / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    @contextmanager
    def opening(self) -> Iterator[None]:
        """What the system refuses meanwhile, such as room or a right, is a PermanentFailure that says why."""
        try:
            yield
        except OSError as error:
            raise PermanentFailure(
                f"The state folder {self.path} cannot be used: {reason_of(error)}"
            ) from error

    def _make(self) -> None:
        if self.path is None:
            return
        with self.opening():
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for check in (check_owner, check_mode, check_file_system):
                check(self.path)
            check_whole(self.path, moving=self._moving)
            (self.path / RUN).mkdir(mode=0o700, exist_ok=True)


def make_own(path: Path) -> None:
    """Make a folder, and those above it that are missing, so that nobody else may look into them, whatever the umask
    is."""
    if not path.is_dir():
        make_own(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def check_whole(path: Path, *, moving: bool = False) -> None:
    """PermanentFailure when nothing may serve the folder, since what was in it is elsewhere, or not yet there. With
    `moving` a move to AWS may go on."""
    if (path / MOVED).exists():
        raise PermanentFailure(
            f"What was in {path} was moved away, and nothing is served from there"
        )
    if (path / RESTORING).exists():
        raise PermanentFailure(unfinished(path))
    if (path / MOVING).exists() and not moving:
        raise PermanentFailure(
            f"What is in {path} is being moved to AWS: `posthorn move --to aws` brings the rest,"
            " `posthorn move --give-up` lets it serve here again"
        )


def unfinished(path: Path) -> str:
    """What has not come to its end in a state folder with `restoring` in it, and what to do, as a sentence."""
    if (path / RESTORING / MOVE_STEPS).exists():
        return f"The move from AWS into {path} has not come to its end: run it again"
    return f"The restore into {path} has not come to its end: run it again"


def check_owner(path: Path) -> None:
    """PermanentFailure when the folder belongs to another user; OSError."""
    owner = path.stat().st_uid
    if owner == os.geteuid():
        return
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = str(owner)
    raise PermanentFailure(
        f"The state folder {path} belongs to the user {name}: run this as that user, as with"
        f" `runuser -u {name} --`"
    )


def check_mode(path: Path) -> None:
    """PermanentFailure when others than the owner may look into the folder; OSError."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise PermanentFailure(
            f"Others may look into the state folder {path}: `chmod 700 {path}`, if all in it is yours"
        )


def check_file_system(path: Path) -> None:
    """PermanentFailure when the folder lies on another machine, whose locks and memory are not ours; OSError."""
    kind = file_system.NETWORK.get(file_system.kind_of(path))
    if kind is not None:
        raise PermanentFailure(
            f"The state folder {path} lies on a network file system ({kind}): it must be on a disk of this machine"
        )


def reason_of(error: OSError) -> str:
    """Why, in the words of the system."""
    return error.strerror or str(error)


def sentence_of(error: OSError) -> str:
    """What could not be used, if that is known, and why."""
    reason = reason_of(error)
    return f"{error.filename}: {reason.lower()}" if error.filename else reason
