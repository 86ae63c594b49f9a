"""The one guard of destinations that customers name: endpoints and webhooks reach public addresses, and what the
operator allows besides.

A host is a literal address when the URL standard reads it as one, in any spelling: `2130706433`, `0177.0.0.1`,
`0x7f.1`, `127.1`, a final dot, full-width digits, percent-encoded ones, IPv6 with or without brackets. Any other host
is a name; names are looked up by whoever connects, and each address found is asked about here. An IPv6 address that
carries an IPv4 one (mapped, compatible, NAT64, 6to4, Teredo) is not public (`smtp.public_address`). Nothing is looked
up here. https://url.spec.whatwg.org/#host-parsing
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import unquote

from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.smtp.public_address import is_public
from chalicelib.domain.tenancy.networks import is_inside, network_of

_LONGEST_HOST = 2_000
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a URL's host stands for without any look-up; None for a name and for what is no host."""
    text = unquote(host[:_LONGEST_HOST]).strip()
    if text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    if ":" in text:
        try:
            return IPv6Address(text)
        except ValueError:
            return None
    return _read_ipv4(typed_name(text) or text.lower().removesuffix("."))


def host_name(text: str) -> str | None:
    """The name of a host in ASCII; None for what is none: the URL standard knows no name whose last label is a number,
    so where that is no address it is no host at all."""
    name = typed_name(text)
    return None if name is None or _NUMBER.fullmatch(name.rpartition(".")[2]) else name


def _read_ipv4(text: str) -> IPv4Address | None:
    """One to four numbers, decimal, octal or hexadecimal, of which the last fills all that is left."""
    words = text.split(".")
    if len(words) > 4:
        return None
    numbers = [_read_number(word) for word in words]
    *heads, last = (-1 if each is None else each for each in numbers)
    room = 256 ** (4 - len(heads))
    if not 0 <= last < room or not all(0 <= each < 256 for each in heads):
        return None
    value = last
    for at, each in enumerate(heads):
        value += each << (24 - 8 * at)
    return IPv4Address(value)


def _read_number(word: str) -> int | None:
    if not _NUMBER.fullmatch(word):
        return None
    if word.startswith("0x"):
        digits, base = word[2:].lstrip("0"), 16
    elif word.startswith("0"):
        digits, base = word.lstrip("0"), 8
    else:
        digits, base = word, 10
    try:
        # What has more digits is too large in any base, and is not worth reading.
        return int(digits[:20] or "0", base)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class DestinationGuard:
    """What is open besides public addresses: `networks` and lower-case `hosts`; with `anywhere` there is no guard."""

    networks: tuple[str, ...] = ()
    hosts: frozenset[str] = frozenset()
    anywhere: bool = False

    def allows(self, address: str, host: str = "") -> bool:
        """Whether this address may be connected to; `host` is the name that led to it."""
        if self.anywhere or is_public(address) or _plain(host) in self.hosts:
            return True
        return is_inside(address, self.networks)

    def refuses(self, host: str) -> bool:
        """Whether it can be said without a look-up that this host is closed: it is a literal address that is."""
        address = literal_address(host)
        return address is not None and not self.allows(str(address), host)


def read_guard(allowed: str, anywhere: bool = False) -> DestinationGuard:
    """The guard that two settings make: networks (CIDR), addresses and host names apart by commas, and whether all is
    open."""
    words = [word.strip() for word in allowed.split(",") if word.strip()]
    networks = tuple(word for word in words if network_of(word))
    hosts = frozenset(_plain(word) for word in words if not network_of(word))
    return DestinationGuard(networks, hosts, anywhere)


def _plain(host: str) -> str:
    return typed_name(host) or host.lower()
