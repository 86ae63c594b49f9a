"""The state folder of the local stack: whose it is, who uses it now, and the facts file `stack.json` in it.

Promises that two stacks never share a folder, that a folder which is not ours is neither used nor emptied, and that
`stack.json` is there, whole and readable by its owner only, exactly while a stack is ready. It does not judge what the
processes keep in their own sub-folders.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO

FORMAT = "1"
MARKER = "posthorn-state"  # holds FORMAT; its presence makes the folder ours
LOCK = "lock"
FACTS = "stack.json"
SECRETS = "secrets.json"
KEYS = "keys.json"
OURS = (
    "aws",
    "inbox",
    "logs",
    "tls",
    "clock",
    "clock.lock",
    "gateway-certificate.pem",
    "gateway-key.pem",
    "build",
    "deployed.json",
    "stream.json",
    SECRETS,
    KEYS,
    FACTS,
    MARKER,
)
TRANSIENT = {LOCK}


class FolderError(Exception):
    """The folder cannot be used. Its text is what the person at the terminal reads."""


class StateFolder:
    """A state folder. Call `take` before anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder if needed and lock it for this process's life; FolderError when it is not ours or in use."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._refuse_strangers()
            lock = (self.path / LOCK).open("a+")
        except (OSError, UnicodeDecodeError) as error:
            raise FolderError(f"the state folder {self.path} cannot be used: {error}.") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise FolderError(
                f"another Posthorn (process {owner}) is running with the state folder {self.path};"
                " stop it, or set POSTHORN_STATE to another folder."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock

    def prepare(self, fresh: bool) -> str | None:
        """Empty the folder if asked, then claim it. A sentence when the last run did not stop cleanly."""
        if fresh:
            self._empty()
        marker = self.path / MARKER
        if marker.exists() and (found := marker.read_text().strip()) != FORMAT:
            raise FolderError(
                f"the state folder {self.path} was written by another version of Posthorn"
                f" (format {found[:20]!r}, this one writes {FORMAT!r}); start empty with: make run FRESH=1"
            )
        marker.write_text(FORMAT + "\n")
        (self.path / "logs").mkdir(mode=0o700, exist_ok=True)
        left = self.path / FACTS
        if not left.exists():
            return None
        left.unlink()
        return "the last run did not stop cleanly; going on with the state that it left."

    def write_facts(self, facts: Mapping[str, object]) -> None:
        """Replace `stack.json` at once."""
        write_private(self.path / FACTS, json.dumps(facts, indent=1) + "\n")

    def remove_facts(self) -> None:
        (self.path / FACTS).unlink(missing_ok=True)

    def release(self) -> None:
        """Give the folder back."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _refuse_strangers(self) -> None:
        names = {entry.name for entry in self.path.iterdir()} - TRANSIENT
        if names and MARKER not in names:
            raise FolderError(
                f"{self.path} is not a state folder of Posthorn (it holds {sorted(names)[0]!r});"
                " set POSTHORN_STATE to an empty or new folder."
            )

    def _empty(self) -> None:
        for name in OURS:
            path = self.path / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600 so that a reader sees either the old or the new content."""
    new = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    new.replace(path)


def read_secrets(state: Path) -> dict[str, str]:
    """Names and keys; empty when there are none yet or the file is damaged."""
    try:
        found = json.loads((state / SECRETS).read_text())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {name: value for name, value in found.items() if isinstance(value, str)}
