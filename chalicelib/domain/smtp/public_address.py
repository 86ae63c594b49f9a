"""Which addresses mail may be sent to: public unicast ones only, unless the operator says
otherwise.

The recipient's DNS is written by strangers, so an MX may name the metadata service of a cloud, a
loopback port or a neighbour. This looks at an address and at every IPv4 address hidden in an IPv6
one. It does no look-up, and does not apply to a smarthost or proxy, which the operator configured.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

_CLOSED4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "168.63.129.16/32",  # Azure's host agent, which answers from within
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    )
)
_GLOBAL6 = IPv6Network("2000::/3")
_CLOSED6 = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


def is_public(text: str) -> bool:
    """True for a unicast address of the public Internet; False for any other, and for text that is
    no address.  6to4, Teredo, NAT64 and IPv4-mapped addresses are refused whole: no mail server
    needs them, and they carry another address inside."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED4)
    return _is_public6(address)


def _is_public6(address: IPv6Address) -> bool:
    if address.scope_id is not None:
        return False
    return address in _GLOBAL6 and not any(address in network for network in _CLOSED6)
