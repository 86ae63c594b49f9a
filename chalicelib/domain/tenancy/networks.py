"""Which IP network holds an address: longest prefix wins, IPv4 equals IPv4-mapped IPv6 (contract section 3.3)."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from chalicelib.domain.tenancy.credentials import Credential

_MAPPED = 0xFFFF << 32


def narrowest(credentials: Iterable[Credential], address: str) -> Credential | None:
    """The credential with the longest network that contains the address; None when none does.

    Text that is no address, and credentials whose network cannot be read, match nothing. Of equals the first wins.
    """
    number = _as_ipv6(address)
    best: Credential | None = None
    longest = -1
    for credential in credentials:
        network = network_of(credential.network or "")
        if number is None or network is None:
            continue
        first, prefix = network
        if prefix > longest and number >> (128 - prefix) == first >> (128 - prefix):
            best, longest = credential, prefix
    return best


def is_inside(address: str, networks: Iterable[str]) -> bool:
    """Whether one of the networks contains the address. Text that is no address is inside none."""
    number = _as_ipv6(address)
    if number is None:
        return False
    known = (network_of(text) for text in networks)
    return any(one and number >> (128 - one[1]) == one[0] >> (128 - one[1]) for one in known)


def covers(outer: Iterable[str], inner: str) -> bool:
    """Whether a network lies inside one of the outer ones."""
    found = network_of(inner)
    known = [network_of(text) for text in outer]
    return found is not None and any(
        one and one[1] <= found[1] and found[0] >> (128 - one[1]) == one[0] >> (128 - one[1])
        for one in known
    )


def network_of(text: str) -> tuple[int, int] | None:
    """First address and prefix length of a CIDR text in IPv6 space; None when it is not a network."""
    try:
        network = ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None
    first = int(network.network_address)
    if network.version == 4:
        return _MAPPED | first, 96 + network.prefixlen
    return first, network.prefixlen


def _as_ipv6(text: str) -> int | None:
    try:
        address = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    return _MAPPED | int(address) if address.version == 4 else int(address)
