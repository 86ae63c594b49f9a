"""Where the addresses of a source are listed, as the source carries it: what was found, since when, and whether a
person has said to send all the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.tenancy.sources import EgressSource


@dataclass(frozen=True, slots=True)
class Listing:
    """An address that stands in a list, with the words of the list; `resumed` once a person sends all the same."""

    list: str
    address: str
    text: str = ""
    since: int = 0
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class _Listings:
    """As they are stored."""

    found: tuple[Listing, ...] = ()


def listings_of(source: EgressSource) -> tuple[Listing, ...]:
    """Those of a source, by list and address."""
    return parse_value(_Listings, source.listed).found if source.listed else ()


def with_listings(source: EgressSource, found: Sequence[Listing]) -> EgressSource:
    """The source with these in place of its own."""
    ordered = tuple(sorted(found, key=lambda one: (one.list, one.address)))
    return replace(source, listed=render_value(_Listings(ordered)) if ordered else "")


def resumed(source: EgressSource) -> EgressSource:
    """The source as a person wants it used: no list that has it now suspends it again."""
    known = [replace(one, resumed=True) for one in listings_of(source)]
    return replace(with_listings(source, known), suspended_until=0, suspended_for="")


def why_suspended(found: Sequence[Listing], suspending: Collection[str]) -> str:
    """Why a source with these listings is left alone when these lists suspend; empty where it is not."""
    lists = dict.fromkeys(one.list for one in found if one.list in suspending and not one.resumed)
    return f"Listed by {', '.join(lists)}" if lists else ""
