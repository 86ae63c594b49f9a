"""How a message is to be sent, as its client says: stream, metadata, schedule, one-click fields (api.md 2.15).

Each reader gives the value of a text, or raises ValueError that says what is wrong with it, in words that stand behind
the name of the field. Pure and linear.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chalicelib.domain.durations import DAY

MOST_METADATA = 20
LONGEST_NAME = 40
LONGEST_VALUE = 500
LARGEST_METADATA = 4_096  # octets
MOST_AHEAD = 365 * DAY
LONGEST_KEY = 256
TOO_FAR = "must be at most 365 days ahead"
_LONGEST_JSON = 32_768  # each octet as an escape, and white space
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_WORDS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True)
class SendOptions:
    """What a request says itself; None for what it leaves to the message's own fields, and to defaults."""

    stream: str | None = None
    metadata: Mapping[str, str] | None = None
    scheduled_at: float | None = None
    unsubscribe: bool | None = None


NOTHING_SAID = SendOptions()


def metadata_text(metadata: Mapping[str, str]) -> str:
    """Metadata as it is stored; ValueError when that is too large, or no text."""
    text = json.dumps(dict(metadata), separators=(",", ":"), ensure_ascii=False)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise ValueError("has half a character, a surrogate by itself") from None
    if size > LARGEST_METADATA:
        raise ValueError(f"has more than {LARGEST_METADATA:,} octets as JSON")
    return text


def read_metadata(text: str) -> Mapping[str, str]:
    """The metadata of a JSON object."""
    try:
        # An object becomes a tuple of its pairs, which an array, a list, never is.
        pairs = json.loads(text, object_pairs_hook=tuple) if len(text) <= _LONGEST_JSON else None
    except (ValueError, RecursionError):
        pairs = None
    if not isinstance(pairs, tuple):
        raise ValueError("must be a JSON object of texts")
    if len(pairs) > MOST_METADATA:
        raise ValueError(f"has more than {MOST_METADATA} names")
    for name, value in pairs:
        _check_pair(name, value)
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("has a name that is given more than once")
    metadata_text(found)
    return found


def _check_pair(name: str, value: Any) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError("has a name that is not 1 to 40 of A-Z, a-z, 0-9, _ and -")
    if not isinstance(value, str) or len(value) > LONGEST_VALUE:
        raise ValueError(f"has a value that is no text of at most {LONGEST_VALUE} characters")


def read_schedule(text: str) -> float:
    """The epoch seconds of a time as in RFC 3339."""
    try:
        return datetime.fromisoformat(text.upper()).timestamp() if _TIME.fullmatch(text) else _no()
    except (ValueError, OverflowError):
        return _no()


def _no() -> float:
    raise ValueError("is no time as in RFC 3339")


def read_yes_or_no(text: str) -> bool:
    """`yes` or `no`, in any case."""
    if (found := _WORDS.get(text.lower())) is None:
        raise ValueError("must be yes or no")
    return found


def read_key(text: str) -> str:
    """An idempotency key."""
    if not 0 < len(text) <= LONGEST_KEY or not text.isascii() or not text.isprintable():
        raise ValueError(f"must have 1 to {LONGEST_KEY} printable ASCII characters")
    return text


def later(scheduled_at: float | None, now: float) -> float | None:
    """A time to come; None for what has passed, which is at once. ValueError for what is too far away."""
    if scheduled_at is None or scheduled_at <= now:
        return None
    if scheduled_at > now + MOST_AHEAD:
        raise ValueError(TOO_FAR)
    return scheduled_at
