"""Pages of a log of occurrences that is kept in packs: which of their entries a reader gets, and where to go on."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.storage.cursors import parse_name_cursor, render_name_cursor
from chalicelib.domain.errors import Rejected
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.ports.event_log import LogPage

PACKS = 16  # that are read at a time
MOST_LOOKS = 8  # until a page ends early
SLACK_SECONDS = 300  # what happened is written later, by clocks that differ
_MOST_DIGITS = 9


def render_position(server: ServerId, pack: str, read: int) -> str:
    """Behind the first `read` entries of a pack."""
    return render_name_cursor(_listing(server), f"{read}/{pack}")


def parse_position(server: ServerId, position: str) -> tuple[str, int]:
    """The pack and how many of its entries were read; Rejected for what this server's log did not give."""
    read, slash, pack = parse_name_cursor(_listing(server), position).partition("/")
    if not slash or not read.isdecimal() or not read.isascii() or len(read) > _MOST_DIGITS:
        raise Rejected("The cursor is not one of this list")
    return pack, int(read)


class Reading:
    """A page that is being filled from packs, in their order, from the pack `begin` on."""

    def __init__(
        self,
        server: ServerId,
        begin: tuple[str, int],
        since: float | None,
        kind: EventType | None,
        limit: int,
    ) -> None:
        self.pack, self._read = begin
        self._server = server
        self._since = since
        self._kind = kind
        self._limit = limit
        self._found: list[Occurrence] = []

    def take(self, pack: str, occurrences: Sequence[Occurrence]) -> bool:
        """Read on in a pack; False when the page is full before its end."""
        first = self._read if pack == self.pack else 0
        self.pack, self._read = pack, first
        for one in occurrences[first:]:
            if self._is_wanted(one):
                if len(self._found) == self._limit:
                    return False
                self._found.append(one)
            self._read += 1
        return True

    def page(self, *, has_more: bool) -> LogPage:
        """What was found, and the place behind what was read."""
        position = render_position(self._server, self.pack, self._read)
        return LogPage(tuple(self._found), position, has_more)

    def _is_wanted(self, one: Occurrence) -> bool:
        return (self._since is None or one.at >= self._since) and self._kind in (None, one.type)


def _listing(server: ServerId) -> str:
    return f"S#{server}#events"
