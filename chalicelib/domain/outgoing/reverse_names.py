"""Which address families a source uses: those whose address has a reverse name that leads back to it (FCrDNS).

Only firm answers change anything, and mail never stands still for a name: a family is given up only while another one
is known to be good, and when none is, all of them are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# What nobody outside sees, because a router replaces it or no packet leaves with it: RFC 1918, 6598, 1122, 3927, 7335
# (IPv4 over IPv6), 2544, and 1112 (some clouds inside); 4193, 4291, 3879. No public name can be had for it.
_UNSEEN = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/127",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
    )
)


class Verdict(Enum):
    """What is known of an address: its name leads back, or does not; DNS did not tell; nobody outside sees it."""

    GOOD = auto()
    BAD = auto()
    UNTOLD = auto()
    UNSEEN = auto()


def version_of(address: str) -> int:
    """4 or 6."""
    return 6 if ":" in address else 4


def is_seen(address: str) -> bool:
    """Whether receivers see mail come from this address itself; False for text that is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return not any(found in network for network in _UNSEEN)


def is_among(address: str, others: tuple[str, ...]) -> bool:
    """Whether an address is one of others, however each is written."""
    return _read(address) in {_read(other) for other in others}


def unused(before: Mapping[int, str], found: Mapping[int, tuple[Verdict, str]]) -> dict[int, str]:
    """Why each of the families 4 and 6 is not used, empty for one that is. `before` is what was so until now; `found`
    what is known of each family that the source has, with the reason where that is bad."""
    return {family: _reason(family, before, found) for family in (4, 6)}


def _reason(
    family: int, before: Mapping[int, str], found: Mapping[int, tuple[Verdict, str]]
) -> str:
    verdict, reason = found.get(family, (Verdict.UNSEEN, ""))
    other, _ = found.get(10 - family, (Verdict.BAD, ""))
    until_now = before.get(family, "")
    if verdict is Verdict.UNTOLD:
        return until_now if other is not Verdict.BAD else ""
    if verdict is not Verdict.BAD:
        return ""
    if other is Verdict.UNTOLD:
        return reason if until_now else ""
    return reason if _takes_over(10 - family, other) else ""


def _takes_over(family: int, verdict: Verdict) -> bool:
    """Whether mail can leave by this family instead: an IPv4 address behind a router leads out by the router's, an
    IPv6 address that nobody sees leads nowhere."""
    return verdict is Verdict.GOOD or (verdict is Verdict.UNSEEN and family == 4)


def _read(address: str) -> IPv4Address | IPv6Address | str:
    try:
        return ip_address(address)
    except ValueError:
        return address
