"""The address of an HTTP client: its connection's, or what reverse proxies of ours say of it."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from gateway.configuration import Network


def client_address(connection: str, forwarded: str, proxies: Sequence[Network]) -> str:
    """The connection's address; or, if that is a proxy's, the last of X-Forwarded-For (`forwarded`, all its fields in
    order) that is no proxy's. `::ffff:` is taken off. What is no address ends the search: nobody of ours wrote it."""
    here = _read(connection)
    if here is None or not _is_among(here, proxies):
        return connection if here is None else str(here)
    for text in reversed(forwarded.split(",")):
        address = _read(text.strip())
        if address is None:
            break
        if not _is_among(address, proxies):
            return str(address)
    return str(here)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else address.ipv4_mapped or address
    return address


def _is_among(address: IPv4Address | IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
