"""What of a server's mail is kept no longer: which messages, and which contents.

A message that is held, waits or is scheduled keeps record and content, whatever their age. Contents go oldest first
until the rest is no more than the server may keep. A body may be shared by messages that were accepted together, and
goes with the last that needs it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from chalicelib.domain.durations import DAY
from chalicelib.domain.model import MessageRecord, State
from chalicelib.domain.tenancy.servers import CONTENT_FOREVER, UNLIMITED, Server

MEGABYTE = 1024 * 1024
RUN_AT_HOUR = 3
_DAY_IN = re.compile(r"(?:r/-?\d+/)?(\d{8})/")  # a server's number may have eight digits too


class Spared(StrEnum):
    """Why a message keeps what it has."""

    HELD = "held"
    WAITING = "waiting"
    SCHEDULED = "scheduled"


def spared_as(record: MessageRecord) -> Spared | None:
    """Why a message keeps what it has; None for one that is done."""
    if record.state is State.DONE:
        return None
    if record.state is State.HELD:
        return Spared.HELD
    return Spared.SCHEDULED if record.is_scheduled else Spared.WAITING


@dataclass(frozen=True, slots=True)
class Retention:
    """How long a server's messages and contents are kept, in days and bytes; None: for ever, or as many as there are.
    No content outlives its message."""

    message_days: int | None
    content_days: int | None
    content_bytes: int | None

    @staticmethod
    def of(server: Server) -> Retention:
        """By the settings of a server."""
        size = server.raw_message_retention_size
        content_days = server.raw_message_retention_days
        return Retention(
            message_days=server.message_retention_days or None,
            content_days=None if content_days == CONTENT_FOREVER else content_days,
            content_bytes=None if size == UNLIMITED else size * MEGABYTE,
        )

    def messages_before(self, now: float) -> float:
        """Messages that were accepted before this go."""
        return 0.0 if self.message_days is None else now - self.message_days * DAY

    def contents_before(self, now: float) -> float:
        """Contents of messages that were accepted before this go."""
        own = 0.0 if self.content_days is None else now - self.content_days * DAY
        return max(own, self.messages_before(now))

    def excess(self, stored: int) -> int:
        """How many bytes are more than may be kept."""
        return 0 if self.content_bytes is None else max(0, stored - self.content_bytes)


def day_of(at: float) -> str:
    """The day of a time, as contents are filed under."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y%m%d")


def day_in(key: str) -> str:
    """The day that a body is filed under, by its key; empty where there is none."""
    found = _DAY_IN.match(key)
    return found[1] if found else ""


def start_of(day: str) -> float:
    """When a day begins."""
    return datetime.strptime(f"{day}+0000", "%Y%m%d%z").timestamp()


def next_run(now: float) -> float:
    """When the next run is due."""
    return start_of(run_of(now)) + DAY + RUN_AT_HOUR * 3_600


def run_of(now: float) -> str:
    """The day whose run is the latest that is due: each begins at RUN_AT_HOUR, UTC."""
    return day_of(now - RUN_AT_HOUR * 3_600)
