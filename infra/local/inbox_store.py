"""What the inbox caught: messages on disk in the state folder, newest first, bounded in number and in bytes.

Keeps the exact bytes as received. An id is ten digits and nothing else ever reaches the file system. It does not
promise durability across a crash of the machine: it is a test instrument.
"""

from __future__ import annotations

import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from chalicelib.domain.message import read_headers

MOST_MESSAGES = 10_000
MOST_BYTES = 1 << 30
MOST_LISTED = 1_000
SUBJECT_CHARACTERS = 500
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
        """The fields that the inbox's list promises."""
        return {
            "id": self.id,
            "mail_from": self.mail_from,
            "rcpt_to": self.rcpt_to,
            "subject": self.subject,
            "received_at": self.received_at,
            "size": self.size,
        }


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
        self._messages: deque[Caught] = deque()
        self._bytes = 0
        self._next = 1
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._read_back()

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
            id = f"{self._next:010d}"
            self._next += 1
            caught = Caught(
                id, mail_from, rcpt_to, subject, self._now(), len(content), helo, peer, tls
            )
            self._path(id, "eml").write_bytes(content)
            self._path(id, "json").write_text(json.dumps(asdict(caught)))
            self._messages.append(caught)
            self._bytes += caught.size
            while len(self._messages) > self._most or self._bytes > self._most_bytes:
                self._drop(self._messages.popleft())
        return caught

    def newest(self, rcpt: str | None = None, limit: int = 100) -> list[Caught]:
        """Newest first, at most 1,000; only those for one recipient (compared without case) if asked."""
        wanted = rcpt.lower() if rcpt else None
        found: list[Caught] = []
        with self._lock:
            for caught in reversed(self._messages):
                if len(found) >= min(limit, MOST_LISTED):
                    break
                if wanted is None or caught.rcpt_to.lower() == wanted:
                    found.append(caught)
        return found

    def get(self, id: str) -> Caught | None:
        """By id; None for one that never was, was dropped, or is no id."""
        if not _ID.fullmatch(id):
            return None
        with self._lock:
            return next((caught for caught in reversed(self._messages) if caught.id == id), None)

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
                self._drop(self._messages.popleft())
        return count

    def count(self) -> int:
        return len(self._messages)

    def _path(self, id: str, ending: str) -> Path:
        return self._folder / f"{id}.{ending}"

    def _drop(self, caught: Caught) -> None:
        self._bytes -= caught.size
        self._path(caught.id, "json").unlink(missing_ok=True)
        self._path(caught.id, "eml").unlink(missing_ok=True)

    def _read_back(self) -> None:
        for path in sorted(self._folder.glob("*.json")):
            if not _ID.fullmatch(path.stem):
                continue
            self._next = max(self._next, int(path.stem) + 1)
            try:
                caught = Caught(**json.loads(path.read_text()))
            except (OSError, ValueError, TypeError):
                continue
            self._messages.append(caught)
            self._bytes += caught.size
