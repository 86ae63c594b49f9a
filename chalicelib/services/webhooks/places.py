"""How many requests to webhooks may be under way at a time, in all, for one server, and to slow receivers.

A lane that is worked at has one place, and takes more for a moment when there are. So what hangs holds one place a
lane, no server has more than its share, and slow receivers leave most of the places to others.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from chalicelib.domain.numbering import ServerId

MOST = 64
MOST_OF_A_SERVER = 16
MOST_SLOW = 16
MOST_SLOW_OF_A_SERVER = 4


class Place(Protocol):
    """The place of a lane that is worked at."""

    def more(self, wanted: int) -> int:
        """Take up to so many further places; how many there were."""

    def give_back(self, count: int) -> None:
        """Give back what `more` took."""


class EnoughRoom:
    """A place where nobody counts: each invocation of a function has few lanes, and their number is bounded."""

    def more(self, wanted: int) -> int:
        """All of them."""
        return wanted

    def give_back(self, count: int) -> None:
        """Nothing."""


class Places:
    """The places of one process."""

    def __init__(self) -> None:
        self.taken = 0
        self._of_server: Counter[ServerId] = Counter()
        self._slow = 0
        self._slow_of_server: Counter[ServerId] = Counter()

    def enter(self, server: ServerId, *, is_slow: bool) -> LanePlace | None:
        """A place for a lane, None when there is none for it."""
        if self.room(server) < 1:
            return None
        if is_slow and (
            self._slow >= MOST_SLOW or self._slow_of_server[server] >= MOST_SLOW_OF_A_SERVER
        ):
            return None
        self.change(server, 1)
        self._change_slow(server, int(is_slow))
        return LanePlace(self, server, is_slow=is_slow)

    def leave(self, server: ServerId, *, is_slow: bool) -> None:
        """A lane is done with."""
        self.change(server, -1)
        self._change_slow(server, -int(is_slow))

    def room(self, server: ServerId) -> int:
        """How many more places a server may take."""
        return min(MOST - self.taken, MOST_OF_A_SERVER - self._of_server[server])

    def change(self, server: ServerId, count: int) -> None:
        """Count places that were taken or, below zero, given back."""
        self.taken += count
        _add(self._of_server, server, count)

    def _change_slow(self, server: ServerId, count: int) -> None:
        self._slow += count
        _add(self._slow_of_server, server, count)


class LanePlace:
    """One lane's place among those of a process."""

    def __init__(self, places: Places, server: ServerId, *, is_slow: bool) -> None:
        self._places = places
        self._server = server
        self._is_slow = is_slow

    def more(self, wanted: int) -> int:
        """As many as there are."""
        count = max(0, min(wanted, self._places.room(self._server)))
        self._places.change(self._server, count)
        return count

    def give_back(self, count: int) -> None:
        """They are free again."""
        self._places.change(self._server, -count)

    def leave(self) -> None:
        """The lane is done with."""
        self._places.leave(self._server, is_slow=self._is_slow)


def _add(counter: Counter[ServerId], server: ServerId, count: int) -> None:
    counter[server] += count
    if not counter[server]:
        del counter[server]
