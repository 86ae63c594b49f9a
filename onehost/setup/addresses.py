"""From which addresses this host reaches the Internet, as far as it can tell by itself.

The route to an address for documentation is asked for; nothing is sent. Behind a router the addresses are private.
"""

from __future__ import annotations

import contextlib
import socket
from ipaddress import ip_address

# RFC 5737 and RFC 3849: nobody's, so that the default route decides.
_FAR_AWAY = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
_DISCARD = 9


def outgoing_addresses() -> tuple[str, ...]:
    """The IPv4 and the IPv6 address from which connections go out; none where there is no route."""
    found = []
    for family, there in _FAR_AWAY:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((there, _DISCARD))
            found.append(str(probe.getsockname()[0]))
    return tuple(found)


def every_address() -> str:
    """What to listen on to be heard by IPv6 and IPv4: `::`, or 0.0.0.0 where the system has no IPv6."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            probe.bind(("::", 0))
    except OSError:
        return "0.0.0.0"  # noqa: S104  # mail comes in from everywhere
    return "::"


def public_addresses() -> tuple[str, ...]:
    """Those of them that others can reach."""
    return tuple(address for address in outgoing_addresses() if ip_address(address).is_global)
