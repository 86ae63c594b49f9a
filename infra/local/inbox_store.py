"""What the inbox caught: messages on disk in the state folder, newest first, bounded in number and in bytes.

Keeps the exact bytes as received. An id is ten digits and nothing else ever reaches the file system. It does not
promise durability across a crash of the machine: it is a test instrument.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

from chalicelib.domain.mail.headers import read_headers

MOST_MESSAGES = 10_000
MOST_BYTES = 1 << 30
MOST_LISTED = 1_000
SUBJECT_CHARACTERS = 500
# The fields that the inbox's list promises.
LISTED_FIELDS = ("id", "mail_from", "rcpt_to", "subject", "received_at", "size")
_ID = re.compile(r"[0-9]{10}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Caught:
    """One message for one recipient. `received_at` is in epoch seconds of the local stack's clock."""

    id: str
    mail_from: str
    rcpt_to: str
    subject: str
    received_at: float
    size: int
    helo: str = ""
    peer: str = ""
    tls: str = ""

    def summary(self) -> dict[str, object]:
        """The fields of the inbox's list."""
        return {name: getattr(self, name) for name in LISTED_FIELDS}


class InboxStore:
    """Thread-safe. Files that cannot be read back are passed over."""

    def __init__(
        self,
        folder: Path,
        now: Callable[[], float],
        most: int = MOST_MESSAGES,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        self._folder = folder
        self._now = now
        self._most = most
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._messages: dict[str, Caught] = {}
        self._bytes = 0
        self._next = 1
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in sorted(folder.glob("*.json")):
            if _ID.fullmatch(path.stem):
                self._next = int(path.stem) + 1
                try:
                    self._take(Caught(**json.loads(path.read_text())))
                except (OSError, ValueError, TypeError):
                    continue

    def add(
        self,
        mail_from: str,
        rcpt_to: str,
        content: bytes,
        helo: str = "",
        peer: str = "",
        tls: str = "",
    ) -> Caught:
        """Keep a message; the oldest make room."""
        subject = (read_headers(content).last_text("subject") or "")[:SUBJECT_CHARACTERS]
        with self._lock:
            id, size = f"{self._next:010d}", len(content)
            self._next += 1
            caught = Caught(id, mail_from, rcpt_to, subject, self._now(), size, helo, peer, tls)
            self._path(id, "eml").write_bytes(content)
            self._path(id, "json").write_text(json.dumps(asdict(caught)))
            self._take(caught)
            while len(self._messages) > self._most or self._bytes > self._most_bytes:
                self._drop_oldest()
        return caught

    def newest(self, rcpt: str | None = None, limit: int = 100) -> list[Caught]:
        """Newest first, at most 1,000; only those for one recipient (compared without case) if asked."""
        wanted = rcpt.lower() if rcpt else None
        with self._lock:
            found = (
                caught
                for caught in reversed(self._messages.values())
                if wanted in {None, caught.rcpt_to.lower()}
            )
            return list(islice(found, min(limit, MOST_LISTED)))

    def get(self, id: str) -> Caught | None:
        """By id; None for one that never was, was dropped, or is no id."""
        return self._messages.get(id)

    def raw(self, caught: Caught) -> bytes | None:
        """The exact bytes; None when they have just been dropped."""
        try:
            return self._path(caught.id, "eml").read_bytes()
        except FileNotFoundError:
            return None

    def clear(self) -> int:
        """Forget all messages; how many there were. Ids are not used again."""
        with self._lock:
            count = len(self._messages)
            while self._messages:
                self._drop_oldest()
        return count

    def count(self) -> int:
        return len(self._messages)

    def _path(self, id: str, ending: str) -> Path:
        return self._folder / f"{id}.{ending}"

    def _take(self, caught: Caught) -> None:
        self._messages[caught.id] = caught
        self._bytes += caught.size

    def _drop_oldest(self) -> None:
        caught = self._messages.pop(next(iter(self._messages)))
        self._bytes -= caught.size
        for ending in ("json", "eml"):
            self._path(caught.id, ending).unlink(missing_ok=True)
