"""Which processes of a state folder are alive, and what those that died are given back: their jobs and leases.

A process holds the lock of its file in `run/` as long as it lives. A file whose lock is free is that of a dead one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chalicelib.adapters.sqlite.bell import SOCKET
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.domain.model import State

if TYPE_CHECKING:
    import apsw

LOCK = ".lock"
# The index of owners leaves out those jobs that nobody has, and is used only where these are not asked for.
_OWNED = "owner = ? AND owner != ''"
_HANDED_OUT = f"SELECT key, attempt FROM queue WHERE {_OWNED}"
_END_LEASE = "UPDATE messages SET lease_until = :now WHERE key = :key AND attempt = :attempt AND state = :leased"
_GIVE_BACK = f"UPDATE queue SET visible_at = ?, owner = '' WHERE {_OWNED} RETURNING id"


class Processes:
    """The processes that serve a state folder."""

    def __init__(self, folder: StateFolder, database: MailDatabase) -> None:
        self._run = folder.run
        self._database = database

    @contextmanager
    def alive(self, name: str) -> Iterator[None]:
        """Be one of them while the block runs."""
        if self._run is None:
            yield
            return
        path = self._run / f"{name}{LOCK}"
        descriptor = _locked(path)
        try:
            yield
            path.unlink()
        finally:
            os.close(descriptor)

    async def bury(self, now: float) -> int:
        """Give back what dead processes had, so that it is done at once; how many jobs that were."""
        given_back = 0
        for path in self._run.glob(f"p-*{LOCK}") if self._run else ():
            try:
                descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            else:
                name = path.name.removesuffix(LOCK)
                given_back += await self._database.write(
                    lambda db, name=name: give_back(db, name, now)  # type: ignore[misc]
                )
                path.with_suffix(SOCKET).unlink(missing_ok=True)
                path.unlink(missing_ok=True)
            finally:
                os.close(descriptor)
        return given_back


def _locked(path: Path) -> int:
    """A descriptor that holds the lock of this file, made if it is not there."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        # Until it was locked it looked like that of a dead process, and may have been removed.
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)


def give_back(db: apsw.Connection, owner: str, now: float) -> int:
    """End the leases of an owner and let its jobs be taken, in this transaction; how many jobs."""
    for key, attempt in fetched(db, _HANDED_OUT, (owner,)):
        row = {"key": key, "attempt": attempt, "now": int(now), "leased": State.LEASED.value}
        fetched(db, _END_LEASE, row)
    return len(fetched(db, _GIVE_BACK, (now, owner)))
