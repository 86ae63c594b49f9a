"""Page cursors: text that names a list and the last id or name seen in it.

A cursor opens only for the list it was made for: one server's cursor tells another server nothing and moves it nowhere.
It is not signed: a client that forges one for its own list merely chooses where to start reading.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from chalicelib.domain.errors import Rejected

_LONGEST = 1_024
_DIGEST = 16


def render_cursor(partition: str, last: int) -> str:
    """The cursor after the id `last` of the list `partition`, safe in URLs."""
    return _render(f"{last}|{partition}")


def parse_cursor(partition: str, cursor: str) -> int:
    """The last id seen; Rejected unless the cursor was made for this list."""
    last, _, owner = _parse(cursor).partition("|")
    if owner != partition or not (last.isascii() and last.isdigit()):
        raise _foreign()
    return int(last)


def render_name_cursor(listing: str, last: str) -> str:
    """The cursor after the name `last` of a list."""
    return _render(_digest(listing, last) + last)


def parse_name_cursor(listing: str, cursor: str) -> str:
    """The last name seen; Rejected for a cursor that was made for another list, or is not whole."""
    text = _parse(cursor)
    digest, last = text[:_DIGEST], text[_DIGEST:]
    if digest != _digest(listing, last):
        raise _foreign()
    return last


def _digest(listing: str, last: str) -> str:
    return hashlib.sha256(repr((listing, last)).encode()).hexdigest()[:_DIGEST]


def _render(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _parse(cursor: str) -> str:
    try:
        if len(cursor) > _LONGEST:
            raise ValueError
        padded = cursor + "=" * (-len(cursor) % 4)
        return base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True).decode()
    except (ValueError, UnicodeError, binascii.Error) as error:
        raise _foreign() from error


def _foreign() -> Rejected:
    return Rejected("The cursor is not one of this list")
