"""Page cursors: text that names a list and the last id seen in it.

A cursor opens only for the list it was made for: one server's cursor tells another server nothing and moves it nowhere.
It is not signed: a client that forges one for its own list merely chooses where to start reading.
"""

from __future__ import annotations

import base64
import binascii

from chalicelib.domain.errors import Rejected

_LONGEST = 1_024


def render_cursor(partition: str, last: int) -> str:
    """The cursor after the id `last` of the list `partition`, safe in URLs."""
    return base64.urlsafe_b64encode(f"{last}|{partition}".encode()).decode().rstrip("=")


def parse_cursor(partition: str, cursor: str) -> int:
    """The last id seen; Rejected unless the cursor was made for this list."""
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
        last, _, owner = text.partition("|")
        if owner != partition or not (last.isascii() and last.isdigit()):
            raise ValueError
        return int(last)
    except (ValueError, UnicodeError, binascii.Error) as error:
        raise Rejected("The cursor is not one of this list") from error
