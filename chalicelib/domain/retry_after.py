"""How long a server asks to be left alone: the field Retry-After (RFC 9110 section 10.2.3)."""

from __future__ import annotations

import math
from datetime import UTC
from email.utils import parsedate_to_datetime

from chalicelib.domain.durations import DAY

LONGEST_RETRY_AFTER = DAY
_LONGEST_FIELD = 100


def retry_after(value: str | None, now: float) -> int:
    """Seconds that a Retry-After field asks for, a day at most; 0 for one that is past or cannot be read."""
    text = (value or "")[:_LONGEST_FIELD].strip()
    if text.isascii() and text.isdecimal():
        seconds = int(text)
    else:
        try:
            moment = parsedate_to_datetime(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            seconds = math.ceil(moment.timestamp() - now)
        except (ValueError, TypeError, OverflowError, IndexError, OSError):
            return 0
    return min(max(seconds, 0), LONGEST_RETRY_AFTER)
