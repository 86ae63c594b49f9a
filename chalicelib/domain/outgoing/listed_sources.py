"""What lists have to say of the sources of a pool, and which of these are left alone for it.

A firm answer alone changes something. Of a pool some source always stays in use for each family of addresses that its
sources reach, listed or not: mail goes on.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from chalicelib.domain.dns.block_lists import BlockList, Standing
from chalicelib.domain.outgoing.choose_source import can_reach, why_unused
from chalicelib.domain.tenancy.listings import Listing, listings_of, why_suspended, with_listings
from chalicelib.domain.tenancy.sources import EgressSource

# An address of each family, to which nobody connects.
_FAMILIES = ("192.0.2.1", "2001:db8::1")


@dataclass(frozen=True, slots=True)
class Told:
    """What a list said of what it was asked for: the words for what it lists (empty where it has none), and what it
    does not list."""

    list: BlockList
    standing: Standing
    asked: tuple[str, ...] = ()
    listed: dict[str, str] = field(default_factory=dict)
    unlisted: set[str] = field(default_factory=set)

    @property
    def is_whole(self) -> bool:
        """Whether it told of everything."""
        is_good = self.standing is Standing.GOOD
        return is_good and len(self.listed) + len(self.unlisted) == len(self.asked)


def listings_after(
    source: EgressSource, addresses: Collection[str], told: Sequence[Told], now: float
) -> tuple[Listing, ...]:
    """The listings of a source that sends from these addresses, after lists were asked. Those of a list that did not
    tell stay; those of one that is broken, or is asked no longer, and of an address that it left, end."""
    known = {(one.list, one.address): one for one in listings_of(source)}
    found: list[Listing] = []
    for each in told:
        if each.standing.is_broken:
            continue
        for address in addresses:
            before = known.get((each.list.name, address))
            words = each.listed.get(address)
            if words is not None:
                one = before or Listing(each.list.name, address, since=int(now))
                found.append(replace(one, text=one.text or words))
            elif before is not None and address not in each.unlisted:
                found.append(before)
    return tuple(found)


def after_look(
    looked: Sequence[tuple[EgressSource, Sequence[Listing]]],
    suspending: Collection[str],
    now: float,
) -> list[EgressSource]:
    """The sources of one pool with what was found of each: left alone while one of the `suspending` lists has it, if
    others in use reach what it reaches. Of several that are listed, those in fewer lists stay in use."""
    why = {source.name: why_suspended(found, suspending) for source, found in looked}
    in_use = {one.name: _families(one) for one, _ in looked if one.suspended_until <= now}
    left_alone = set()
    for source, _ in sorted(
        looked, key=lambda each: (-len(each[1]), each[0].priority, each[0].name)
    ):
        others = [reached for name, reached in in_use.items() if name != source.name]
        if why[source.name] and _families(source) <= frozenset[str]().union(*others):
            left_alone.add(source.name)
            in_use.pop(source.name, None)
    return [
        replace(
            with_listings(source, found),
            suspended_for=why[source.name] if source.name in left_alone else "",
        )
        for source, found in looked
    ]


def _families(source: EgressSource) -> frozenset[str]:
    return frozenset(
        one for one in _FAMILIES if can_reach(source, one) and not why_unused(source, one)
    )
