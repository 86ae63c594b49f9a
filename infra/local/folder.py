"""The state folder of the local stack: whose it is, who uses it now, its keys, and the facts file `stack.json` in it.

Promises that two stacks never share a folder, that a folder which is not ours is neither used nor emptied, and that
`stack.json` is there, whole and readable by its owner only, exactly while a stack is ready. It does not judge what the
processes keep in their own sub-folders. Standard library only: the emulators' own environments import this module too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
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
    "sqlite",
    "inbox",
    "logs",
    "tls",
    "clock",
    "clock.lock",
    "dns.json",
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
# No digit first, and no prefix of a real key: emulators read account numbers out of those.
NAME_PREFIX = "POSTHORN"


class FolderError(Exception):
    """The folder cannot be used. Its text is what the person at the terminal reads."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the stack's AWS emulator: made once for a state folder, at random; nothing else opens it.

    `access_key_id` and `secret_access_key` sign the AWS calls of every process of the stack; `front` is the word by
    which the front shows the guard (infra/local/guard.py) that a request comes from it.
    """

    access_key_id: str
    secret_access_key: str = field(repr=False)
    front: str = field(repr=False)

    @property
    def variables(self) -> dict[str, str]:
        """The standard variables from which an AWS client takes them."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
        }


def new_keys() -> Keys:
    """Keys that nobody has had before."""
    name = NAME_PREFIX + secrets.token_hex(16).upper()
    return Keys(name, secrets.token_urlsafe(32), secrets.token_urlsafe(32))


class StateFolder:
    """A state folder. Call `take` before anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Make the folder if needed and lock it for this process's life; FolderError when it is not ours or in use."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            names = {entry.name for entry in self.path.iterdir()} - {LOCK}
            if names and MARKER not in names:
                raise FolderError(
                    f"{self.path} is not a state folder of Posthorn (it holds {min(names)!r});"
                    " set POSTHORN_STATE to an empty or new folder."
                )
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
        for path in (self.path / name for name in OURS if fresh):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        marker = self.path / MARKER
        if marker.exists() and (found := marker.read_text().strip()) != FORMAT:
            raise FolderError(
                f"the state folder {self.path} was written by another version of Posthorn"
                f" (format {found[:20]!r}, this one writes {FORMAT!r}); start empty with: make run FRESH=1"
            )
        marker.write_text(FORMAT + "\n")
        (self.path / "logs").mkdir(mode=0o700, exist_ok=True)
        if not (self.path / FACTS).exists():
            return None
        self.remove_facts()
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


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 600 so that a reader sees either the old or the new content."""
    new = path.with_name(f"{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
    new.replace(path)


def keys_of(state: Path) -> Keys:
    """The keys of a state folder, made anew when it has none or they are damaged; OSError when that cannot be."""
    try:
        return read_keys(state)
    except (FileNotFoundError, ValueError):
        made = new_keys()
        write_private(state / KEYS, json.dumps(asdict(made)) + "\n")
        return made


def read_keys(state: Path) -> Keys:
    """The keys of a state folder that has some; FileNotFoundError, or ValueError when they are damaged."""
    found = _read_texts(state / KEYS)
    words = [found.get(name, "") for name in ("access_key_id", "secret_access_key", "front")]
    if not all(len(word) >= 32 and word.isascii() for word in words):
        raise ValueError(f"{state / KEYS} holds no keys")
    return Keys(*words)


def front_word(state: Path, environment: Mapping[str, str]) -> str:
    """What the front shows the guard; empty where the emulator that the environment names is not the state folder's."""
    try:
        keys = read_keys(state)
    except (FileNotFoundError, ValueError):
        return ""
    return keys.front if environment.get("AWS_ACCESS_KEY_ID") == keys.access_key_id else ""


def read_secrets(state: Path) -> dict[str, str]:
    """Names and keys of the demo tenant; empty when there are none yet or the file is damaged."""
    try:
        return _read_texts(state / SECRETS)
    except (OSError, ValueError):
        return {}


def _read_texts(path: Path) -> dict[str, str]:
    """The texts in a JSON object, by name; none when it is something else. OSError or ValueError when it is no JSON."""
    found = json.loads(path.read_text())
    items = found.items() if isinstance(found, dict) else ()
    return {name: value for name, value in items if isinstance(value, str)}
