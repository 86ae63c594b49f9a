"""The Received field that every accepted message gets, and the date format of mail.

The field has exactly the shape of contract section 3.10, on one line that stays under 998 octets whatever the client
called itself: its greeting is a stranger's text, so only characters of host names and addresses survive. Nothing here
looks names up or reads the clock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_FOREIGN = re.compile(r"[^A-Za-z0-9._:\[\]-]")
_LONGEST_NAME = 255


def received_field(
    *,
    helo: str,
    peer_name: str | None,
    peer_address: str,
    by: str,
    protocol: str,
    date: str,
    privacy: bool,
) -> bytes:
    """A complete Received field with its CRLF (contract section 3.10).

    `peer_name` is the PTR name or None; `date` comes from `rfc2822_date`. With `privacy` the client is not named.
    """
    tail = f"by {_plain(by)} with {_plain(protocol)}; {date}\r\n"
    if privacy:
        return f"Received: {tail}".encode("ascii", "replace")
    address = _plain(peer_address)
    peer = _plain(peer_name) if peer_name else address
    return f"Received: from {_plain(helo)} ({peer} [{address}]) {tail}".encode("ascii", "replace")


def rfc2822_date(epoch: float) -> str:
    """A time in epoch seconds as `Fri, 22 Mar 2024 12:00:00 +0000` (RFC 5322 §3.3), whatever the locale."""
    return _date(int(epoch))


@lru_cache(maxsize=64)
def _date(epoch: int) -> str:
    moment = datetime.fromtimestamp(epoch, UTC)
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment:%H:%M:%S} +0000"
    )


def _plain(name: str) -> str:
    return _FOREIGN.sub("?", name[:_LONGEST_NAME]) or "unknown"
