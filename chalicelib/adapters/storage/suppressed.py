"""How every store keeps entries of suppression lists apart, and puts pages of several lists together.

An entry is stored under the key of its address, behind which its stream stands where it is of one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.adapters.storage.listing import recipient_key
from chalicelib.domain.erasure import hashed
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.suppression import Asked, Name, Suppression, SuppressionFilter, acting_on

# No name of a domain has it, so that no address ends in a stream.
_BEFORE_STREAM = "\t"
MOST_READ = 1_000
Found = tuple[ServerId, Suppression]


def key_of_name(name: Name) -> str:
    """What an entry is kept under on its list."""
    address = recipient_key(name.address)
    return address if name.stream is None else f"{address}{_BEFORE_STREAM}{name.stream}"


def key_of_entry(entry: Suppression) -> str:
    """What an entry is kept under on its list."""
    return key_of_name(Name(entry.address, entry.stream))


def keys_of_address(address: str) -> tuple[str, str]:
    """Between which keys everything is that a list has of an address."""
    first = key_of_name(Name(address))
    return first, f"{first}{_BEFORE_STREAM}~"


def places_of(owner: ServerId, name: Name) -> tuple[tuple[ServerId, str], tuple[ServerId, str]]:
    """Where an entry that acts on a name may be: under it, or under what stands for an address that was erased."""
    return (owner, key_of_name(name)), (owner, key_of_name(Name(hashed(name.address), name.stream)))


def first_of(
    asked: Iterable[Asked], found: dict[tuple[ServerId, str], Suppression]
) -> dict[Asked, Suppression]:
    """For each of those asked about the first entry that acts on it, of those found by owner and key."""
    acting: dict[Asked, Suppression] = {}
    for one in asked:
        keys = [key for owner, name in acting_on(one) for key in places_of(owner, name)]
        entries = (found.get(key) for key in keys)
        if (first := next((entry for entry in entries if entry is not None), None)) is not None:
            acting[one] = first
    return acting


def together(
    read: Sequence[tuple[Sequence[Found], Any]],
    wanted: SuppressionFilter,
    limit: int,
    position: Callable[[Found], Any],
) -> tuple[tuple[Suppression, ...], Any]:
    """The newest that are wanted of what was read of several lists, each newest first and down to a position, None at
    its end; and the position after which to go on, None at the end of all. Nothing is shown that something unread of
    another list may stand before."""
    ends = [end for _, end in read if end is not None]
    horizon = max(ends) if ends else None
    placed = [(position(one), one[1]) for found, _ in read for one in found]
    within = [one for one in placed if horizon is None or one[0] >= horizon]
    shown = sorted(
        (one for one in within if wanted.passes(one[1])), key=lambda one: one[0], reverse=True
    )
    if len(shown) > limit:
        shown, horizon = shown[:limit], shown[limit - 1][0]
    return tuple(entry for _, entry in shown), horizon


def asked_of(filtered: SuppressionFilter, limit: int) -> int:
    """How many entries of a list a page reads, and not more."""
    narrowed = replace(filtered, since=None, until=None) != SuppressionFilter()
    return MOST_READ if narrowed else limit + 1
