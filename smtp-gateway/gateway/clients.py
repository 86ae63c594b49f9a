"""Who is connected, and who has been guessing keys: counts for each client, bounded in memory.

A client is one IPv4 address or one IPv6 /64, because whoever has one address of a /64 has them all. Counts live in
this process alone: two gateways count apart.
"""

from __future__ import annotations

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_REMEMBERED = 10_000


def plain_address(text: str) -> str:
    """An address as text without zone, IPv4-mapped IPv6 as IPv4 (contract section 3.1)."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def client_of(address: str) -> str:
    """What limits are counted by: the IPv4 address itself, or the /64 of an IPv6 address."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network(f"{address}/64", strict=False).network_address)


class OpenConnections:
    """Counts connections, in all and for each client once it is known."""

    def __init__(self, most: int, most_per_client: int) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._by_client: Counter[str] = Counter()
        self.total = 0

    @property
    def is_full(self) -> bool:
        """True when no connection at all may be added."""
        return self.total >= self._most

    def is_full_for(self, client: str) -> bool:
        """True when this client may have no more connections."""
        return self._by_client[client] >= self._most_per_client

    def enter(self, client: str) -> None:
        """Count a connection for its client."""
        self._by_client[client] += 1

    def leave(self, client: str) -> None:
        """Count it no longer."""
        self._by_client[client] -= 1
        if self._by_client[client] <= 0:
            del self._by_client[client]


@dataclass(slots=True)
class _Failures:
    count: int
    since: float


class AuthFailures:
    """Failed authentications of each client in a window of `seconds`; who was not seen longest is forgotten."""

    def __init__(self, most: int, seconds: float, monotonic: Callable[[], float]) -> None:
        self._most = most
        self._seconds = seconds
        self._now = monotonic
        self._by_client: OrderedDict[str, _Failures] = OrderedDict()

    def note(self, client: str) -> None:
        """Count one failure."""
        failures = self._current(client)
        if failures is None:
            failures = self._by_client[client] = _Failures(0, self._now())
        failures.count += 1
        self._by_client.move_to_end(client)
        if len(self._by_client) > MOST_REMEMBERED:
            self._by_client.popitem(last=False)

    def is_locked(self, client: str) -> bool:
        """True while the client has used up its failures of this window."""
        failures = self._current(client)
        return failures is not None and failures.count >= self._most

    def _current(self, client: str) -> _Failures | None:
        failures = self._by_client.get(client)
        if failures is not None and self._now() - failures.since > self._seconds:
            del self._by_client[client]
            return None
        return failures
