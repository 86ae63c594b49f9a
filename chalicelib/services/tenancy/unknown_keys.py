"""Keys that nobody knows, counted by the network they come from: guessing is slowed, and locks nobody out.

Each network (IPv4 address, IPv6 /64) may present 20 different unknown keys, and one more every three seconds. After
that a key that this process has not seen to be right is turned away without asking the directory. Three things keep
right keys out of it: one that was right before is never counted; keys of our own shape, which nobody can guess, have an
allowance apart from all others; and a key that was turned away is looked at when it comes again, which costs a guesser
two requests a guess and a right client one repetition.

This is knowledge of one process, in tables that do not grow: with n processes a network has n allowances, and all of it
is forgotten with the process. It makes guessing noisy and cheap to refuse; what keeps a key from being guessed is its
length, and what bounds the number of requests stands in front of the function.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import TypeVar

from chalicelib.domain.errors import TemporaryFailure, Unauthenticated
from chalicelib.ports.clock import Clock

FREE_GUESSES = 20
SECONDS_A_GUESS = 3.0
WRONG_SECONDS = 5.0  # so soon a key works that was tried before it was created
MOST_NETWORKS = 10_000
MOST_KEYS = 10_000

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Network = tuple[str, bool]


class TooManyUnknownKeys(TemporaryFailure):
    """Too many unknown keys came from this address; this one was not looked at. Send the request again."""

    code = "throttled"


class UnknownKeys:
    """What a process remembers of keys, by their digests, and of the networks that presented unknown ones."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._right: OrderedDict[str, None] = OrderedDict()
        self._wrong: OrderedDict[str, float] = OrderedDict()
        self._turned_away: OrderedDict[str, None] = OrderedDict()
        # UnknownKeys made, less those forgiven until the moment beside it.
        self._made: OrderedDict[_Network, tuple[float, float]] = OrderedDict()

    def admit(self, digest: str, address: str, *, ours: bool) -> None:
        """Let a key be looked up. Raises Unauthenticated for one that was just found unknown, TooManyUnknownKeys
        for one that is not looked at now. `ours` says that it has the shape of the keys made here."""
        now = self._clock.monotonic()
        if digest in self._right:
            return
        if (found_at := self._wrong.get(digest)) is not None:
            if now - found_at < WRONG_SECONDS:
                raise Unauthenticated("Invalid credential")
            return  # the same key again is no further guess
        if self._count(network_of(address, ours=ours), now) < FREE_GUESSES:
            return
        if digest in self._turned_away:
            del self._turned_away[digest]
            return
        _keep(self._turned_away, digest, None, MOST_KEYS)
        raise TooManyUnknownKeys(
            "Too many unknown keys came from this address; send the request again"
        )

    def was_right(self, digest: str) -> None:
        """Remember a key that is known."""
        self._wrong.pop(digest, None)
        _keep(self._right, digest, None, MOST_KEYS)

    def was_wrong(self, digest: str, address: str, *, ours: bool) -> None:
        """Remember a key that is not known, and count it unless it was counted before."""
        now = self._clock.monotonic()
        self._right.pop(digest, None)
        if digest not in self._wrong:
            network = network_of(address, ours=ours)
            _keep(self._made, network, (self._count(network, now) + 1, now), MOST_NETWORKS)
        _keep(self._wrong, digest, now, MOST_KEYS)

    def _count(self, network: _Network, now: float) -> float:
        """How many guesses of a network count at this moment."""
        made, since = self._made.get(network, (0.0, now))
        return max(0.0, made - (now - since) / SECONDS_A_GUESS)


def network_of(address: str, *, ours: bool) -> _Network:
    """Who is counted together: an IPv4 address, a /64 of IPv6, which is what one subscriber has, or the text itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64], ours
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped), ours
        return str(ipaddress.IPv6Network((int(parsed), 64), strict=False)), ours
    return str(parsed), ours


def _keep(table: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> None:
    """Put a value at the young end of a table that forgets its oldest."""
    table[key] = value
    table.move_to_end(key)
    if len(table) > most:
        table.popitem(last=False)
