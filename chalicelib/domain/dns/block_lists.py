"""Lists of addresses and of names in the DNS (RFC 5782): how a setting names them, what they are asked, and what their
answers mean.

A list is believed once it lists what every list lists, and does not list what none does. Answers in 127.255.255.0/24
say that it will not answer, and list nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_LISTS = 20
LONGEST_TEXT = 160
OF_NAMES = "rhs:"
ON = frozenset({"1", "true", "yes", "on"})
OFF = frozenset({"0", "false", "no", "off"})
_LISTS = ipaddress.ip_network("127.0.0.0/8")
_REFUSALS = ipaddress.ip_network("127.255.255.0/24")
# What each list lists, and what none does: RFC 5782 section 5. Several lists of names have only the number.
_TESTS = (("127.0.0.2", "::ffff:7f00:2"), ("127.0.0.1", "::ffff:7f00:1"))
_TESTS_OF_NAMES = (("test", "2.0.0.127"), ("invalid",))
# A label of so many letters and digits is the customer's key, as some lists have it in the names that they are asked.
_KEY = re.compile(r"[a-z0-9]{20,}\Z")


class Standing(StrEnum):
    """Whether a list is believed."""

    GOOD = "good"
    SILENT = "silent"
    REFUSING = "refusing"
    LISTING_ALL = "listing_all"
    LISTING_NONE = "listing_none"

    @property
    def is_broken(self) -> bool:
        """Whether it has said itself that nothing it says counts."""
        return self in (Standing.LISTING_ALL, Standing.LISTING_NONE)


@dataclass(frozen=True, slots=True)
class BlockList:
    """A zone that lists addresses, or names: with one of these answers, or with any."""

    zone: str
    answers: tuple[str, ...] = ()
    of_names: bool = False

    @property
    def name(self) -> str:
        """The zone as people see it, without a customer's key."""
        return ".".join(one for one in self.zone.split(".") if not _KEY.match(one)) or self.zone

    @property
    def listed_tests(self) -> tuple[str, ...]:
        """What it lists if it works, in one of these forms."""
        return (_TESTS_OF_NAMES if self.of_names else _TESTS)[0]

    @property
    def unlisted_tests(self) -> tuple[str, ...]:
        """What it does not list in any form if it works."""
        return (_TESTS_OF_NAMES if self.of_names else _TESTS)[1]

    def question(self, thing: str) -> str:
        """The name that is asked for an address, or for a name."""
        return f"{thing if self.of_names else reversed_name(thing)}.{self.zone}"


def read_block_lists(text: str) -> tuple[BlockList, ...]:
    """Those of a setting: `bl.example.org, narrow.example.org=127.0.0.2;127.0.0.3, rhs:names.example.org`."""
    return tuple(_read(one) for one in text.split(",") if one.strip())


def _read(text: str) -> BlockList:
    zone, is_narrow, answers = text.partition("=")
    zone = zone.strip().lower()
    return BlockList(
        zone.removeprefix(OF_NAMES),
        tuple(map(str.strip, answers.split(";"))) if is_narrow else (),
        of_names=zone.startswith(OF_NAMES),
    )


def check_own_lists(lists: Sequence[BlockList], suspending: str) -> None:
    """ValueError, with one sentence for people, for lists that nobody can tell apart, for more than anybody waits for,
    and for zones that suspend sources and are none of the lists of addresses."""
    names = [one.name for one in lists]
    if len(names) > MOST_LISTS or len(set(names)) < len(names):
        raise ValueError(f"POSTHORN_OWN_DNSBLS names up to {MOST_LISTS} lists, each of them once")
    zones = {one.strip().lower() for one in suspending.split(",")} - {"", *ON, *OFF}
    known = {each for one in lists if not one.of_names for each in (one.zone, one.name)}
    if unknown := sorted(zones - known):
        raise ValueError(
            "POSTHORN_SUSPEND_LISTED must be 1, or lists of addresses of POSTHORN_OWN_DNSBLS, which"
            f" {unknown[0]} is not"
        )


def suspending_lists(lists: Sequence[BlockList], suspending: str) -> frozenset[str]:
    """The names of those of the lists that suspend a source, as the setting says: all, some, or none."""
    zones = {one.strip().lower() for one in suspending.split(",")}
    return frozenset(
        one.name for one in lists if not one.of_names and zones & {one.zone, one.name, *ON}
    )


def is_listing(addresses: Iterable[str], wanted: Sequence[str] = ()) -> bool:
    """Whether what a list has for a name says that it is listed: in one of the wanted ways, or in any."""
    for text in addresses:
        address = ipaddress.ip_address(text)
        if address in _LISTS and address not in _REFUSALS and (not wanted or text in wanted):
            return True
    return False


def is_listed(addresses: Sequence[str] | None, wanted: Sequence[str] = ()) -> bool | None:
    """Whether a list lists what it has these answers for; None where it does not say firmly: no answer, a refusal, or
    addresses that are no list's, as resolvers have that make something up."""
    if addresses is None:
        return None
    if is_listing(addresses, wanted):
        return True
    is_of_list = all(
        found in _LISTS and found not in _REFUSALS for found in map(ipaddress.ip_address, addresses)
    )
    return False if is_of_list else None


def is_refusal(addresses: Iterable[str]) -> bool:
    """Whether a list says that it does not answer this resolver."""
    return any(ipaddress.ip_address(text) in _REFUSALS for text in addresses)


def standing_of(
    listed: Sequence[Sequence[str] | None], unlisted: Sequence[Sequence[str] | None]
) -> Standing:
    """What a list is worth that has these answers for its tests; None for what is no firm answer."""
    known = [one for one in (*listed, *unlisted) if one is not None]
    if any(is_listing(one) for one in unlisted if one is not None):
        return Standing.LISTING_ALL
    if any(map(is_refusal, known)):
        return Standing.REFUSING
    if None not in unlisted and any(is_listing(one) for one in listed if one is not None):
        return Standing.GOOD
    return Standing.SILENT if None in (*listed, *unlisted) else Standing.LISTING_NONE


def reversed_name(address: str) -> str:
    """An address as lists are asked for it: octets, or for IPv6 nibbles, from the last to the first."""
    return ipaddress.ip_address(address).reverse_pointer.rpartition(".")[0].rpartition(".")[0]


def told_text(texts: Sequence[str]) -> str:
    """What a list says of a listing, on one line that is short and holds nothing that acts on a screen."""
    longest = " ".join(texts[:3])[: 4 * LONGEST_TEXT]
    plain = "".join(one if one.isprintable() else " " for one in longest)
    line = " ".join(plain.split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
