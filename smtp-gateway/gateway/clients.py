"""Who is connected: which addresses are one client, and counts of connections by listener and client.

A client is one IPv4 address or one IPv6 /64, because whoever has one address of a /64 has them all. Counts live in
this process alone: two gateways count apart.
"""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from gateway.configuration import Role


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is connected: the client's address as the PROXY header or the socket tells it, and to which listener."""

    address: str
    role: Role

    @property
    def is_loopback(self) -> bool:
        """True for a client on this machine."""
        return ipaddress.ip_address(self.address).is_loopback


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
    """Counts connections by listener, and for each client once it is known.

    Of `most`, the part `share` is kept for each listener, so that no flood on the others keeps it from being reached;
    what is kept for none, any may take. A stranger on a listener that is full is still turned away.
    """

    def __init__(
        self, most: int, most_per_client: int, listeners: Collection[Role], share: float
    ) -> None:
        self._most = most
        self._most_per_client = most_per_client
        self._kept = int(most * share)
        self._common = most - self._kept * len(listeners)
        self._by_listener: dict[Role, int] = dict.fromkeys(listeners, 0)
        self._by_client: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """All connections, also those whose client is not known yet."""
        return sum(self._by_listener.values())

    def is_full(self, listener: Role) -> bool:
        """True when this listener may have no more connections."""
        if self._by_listener[listener] < self._kept:
            return False
        return sum(max(0, n - self._kept) for n in self._by_listener.values()) >= self._common

    def is_full_for(self, client: str) -> bool:
        """True when this client may have no more connections."""
        return self._by_client[client] >= self._most_per_client

    def is_crowded(self, listener: Role, client: str) -> bool:
        """True when more than half is taken of all connections, of this listener's or of this client's."""
        return (
            self.total * 2 > self._most
            or self._by_listener[listener] * 2 > self._kept + self._common
            or self._by_client[client] * 2 > self._most_per_client
        )

    def arrive(self, listener: Role) -> None:
        """Count a connection for its listener."""
        self._by_listener[listener] += 1

    def depart(self, listener: Role) -> None:
        """Count it no longer."""
        self._by_listener[listener] -= 1

    def enter(self, client: str) -> None:
        """Count a connection for its client."""
        self._by_client[client] += 1

    def leave(self, client: str) -> None:
        """Count it no longer."""
        self._by_client[client] -= 1
        if self._by_client[client] <= 0:
            del self._by_client[client]
