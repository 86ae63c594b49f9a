"""How many requests to webhooks may be under way at a time: in all, for one organization, for one server, and to slow
receivers.

A lane that is worked at has one place, and takes more for a moment when there are. So what hangs holds one place a
lane, no organization or server has more than its share, and slow receivers leave most of the places to others.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.numbering import OrganizationId, ServerId

MOST = 64
MOST_OF_AN_ORGANIZATION = 24
MOST_OF_A_SERVER = 16
MOST_SLOW = 16
MOST_SLOW_OF_AN_ORGANIZATION = 8
MOST_SLOW_OF_A_SERVER = 4


class Place(Protocol):
    """The place of a lane that is worked at. `longest` is for how many seconds a receiver that was not slow so far may
    keep it before its lane is worked at among slow ones."""

    @property
    def longest(self) -> float:
        """Those seconds."""

    def more(self, wanted: int) -> int:
        """Take up to so many further places; how many there were."""

    def give_back(self, count: int) -> None:
        """Give back what `more` took."""


class EnoughRoom:
    """A place where nobody counts: each invocation of a function has few lanes, and their number is bounded. Those of
    one tenant that hang could keep all of them, so that none may for long."""

    longest = 5.0

    def more(self, wanted: int) -> int:
        """All of them."""
        return wanted

    def give_back(self, count: int) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose lane it is; the organization of a server that is gone is None."""

    organization: OrganizationId | None
    server: ServerId


class _Shares:
    """Places that are taken, and the most that there may be: in all, of an organization, of a server."""

    def __init__(self, most: int, of_organization: int, of_server: int) -> None:
        self._most = most
        self._most_of_organization = of_organization
        self._most_of_server = of_server
        self._organizations: Counter[OrganizationId | None] = Counter()
        self._servers: Counter[ServerId] = Counter()
        self.taken = 0

    def room(self, tenant: Tenant) -> int:
        return min(
            self._most - self.taken,
            self._most_of_organization - self._organizations[tenant.organization],
            self._most_of_server - self._servers[tenant.server],
        )

    def change(self, tenant: Tenant, count: int) -> None:
        self.taken += count
        self._organizations[tenant.organization] += count
        self._servers[tenant.server] += count
        if not self._organizations[tenant.organization]:
            del self._organizations[tenant.organization]
        if not self._servers[tenant.server]:
            del self._servers[tenant.server]


class Places:
    """The places of one process."""

    def __init__(self) -> None:
        self._all = _Shares(MOST, MOST_OF_AN_ORGANIZATION, MOST_OF_A_SERVER)
        self._slow = _Shares(MOST_SLOW, MOST_SLOW_OF_AN_ORGANIZATION, MOST_SLOW_OF_A_SERVER)

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._all.taken

    def enter(self, tenant: Tenant, *, is_slow: bool) -> LanePlace | None:
        """A place for a lane, None when there is none for it."""
        if self.room(tenant, is_slow=is_slow) < 1:
            return None
        self.change(tenant, 1, is_slow=is_slow)
        return LanePlace(self, tenant, is_slow=is_slow)

    def room(self, tenant: Tenant, *, is_slow: bool) -> int:
        """How many more places a lane of the tenant may take."""
        room = self._all.room(tenant)
        return min(room, self._slow.room(tenant)) if is_slow else room

    def change(self, tenant: Tenant, count: int, *, is_slow: bool) -> None:
        """Count places that were taken or, below zero, given back."""
        self._all.change(tenant, count)
        if is_slow:
            self._slow.change(tenant, count)


class LanePlace:
    """One lane's place among those of a process."""

    longest = math.inf

    def __init__(self, places: Places, tenant: Tenant, *, is_slow: bool) -> None:
        self._places = places
        self._tenant = tenant
        self._is_slow = is_slow

    def more(self, wanted: int) -> int:
        """As many as there are."""
        room = self._places.room(self._tenant, is_slow=self._is_slow)
        count = max(0, min(wanted, room))
        self._places.change(self._tenant, count, is_slow=self._is_slow)
        return count

    def give_back(self, count: int) -> None:
        """They are free again."""
        self._places.change(self._tenant, -count, is_slow=self._is_slow)

    def leave(self) -> None:
        """The lane is done with."""
        self.give_back(1)
