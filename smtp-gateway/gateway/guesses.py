"""Who has been guessing keys: failures of each client address, and turns for those that have had too many.

A client (see `gateway.clients`) may fail some times in a window without consequence here. From then on its keys are
judged one after the other, so many in a second, in the order in which they came: guessing is slow however many
connections it has. Nobody is locked out by it: a key that opened a session from the same client before is judged at
once, and a new one waits behind no more than the attempts that were waiting already. A CRAM-MD5 answer does not show
its key, so a user name that came in before has turns of its own, which whoever knows that name shares.

Promises nothing against guessing from many addresses, of which each has its own count. Memory is bounded: who was not
seen longest is forgotten. Counts live in this process alone.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic as real_time

MOST_REMEMBERED = 10_000
MOST_WAITING = 100
"""Attempts of one client in line for a turn; further ones are asked to come again."""


@dataclass(slots=True)
class _Turns:
    """One line of waiting attempts. `free_at` is the real time from which the next may be judged."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    free_at: float = 0.0
    waiting: int = 0


@dataclass(slots=True)
class _Failures:
    since: float
    count: int = 0
    spared: bool = False
    turns: dict[str, _Turns] = field(default_factory=dict)


class Guesses:
    """Failures of each client in a window of `seconds`; beyond `most` its unknown keys take turns, `rate` a second."""

    def __init__(
        self, most: int, seconds: float, rate: float, monotonic: Callable[[], float]
    ) -> None:
        self._most = most
        self._seconds = seconds
        self._rate = rate
        self._now = monotonic
        self._by_client: OrderedDict[str, _Failures] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def note(self, client: str) -> None:
        """Count one failure."""
        self._touched(client).count += 1

    def spare(self, client: str) -> bool:
        """True once in a window: some clients try one way to prove themselves before the one that works."""
        failures = self._touched(client)
        spared, failures.spared = failures.spared, True
        return not spared

    def remember(self, client: str, mark: str) -> None:
        """A key or user name, by a mark that cannot be turned back into it, has opened a session from this client."""
        self._known[client, mark] = None
        self._known.move_to_end((client, mark))
        if len(self._known) > MOST_REMEMBERED:
            self._known.popitem(last=False)

    def forget(self, client: str, mark: str) -> None:
        """A key that did so is no longer good."""
        self._known.pop((client, mark), None)

    def knows(self, client: str, mark: str) -> bool:
        """True when `remember` was told so, and has not forgotten."""
        return (client, mark) in self._known

    async def turn(self, client: str, line: str = "") -> bool:
        """Wait until an attempt of this client may be judged; False when it shall come again later.

        Attempts with another `line` have turns of their own; only a mark that is known may be one.
        """
        failures = self._current(client)
        if failures is None or failures.count < self._most:
            return True
        turns = failures.turns.setdefault(line, _Turns())
        if turns.waiting >= MOST_WAITING or not self._rate:
            return False
        turns.waiting += 1
        try:
            async with turns.lock:  # first come, first served; whoever hangs up leaves the line
                await asyncio.sleep(turns.free_at - real_time())
                turns.free_at = real_time() + 1 / self._rate
        finally:
            turns.waiting -= 1
        return True

    def _touched(self, client: str) -> _Failures:
        failures = self._current(client)
        if failures is None:
            failures = self._by_client[client] = _Failures(self._now())
        self._by_client.move_to_end(client)
        if len(self._by_client) > MOST_REMEMBERED:
            self._by_client.popitem(last=False)
        return failures

    def _current(self, client: str) -> _Failures | None:
        failures = self._by_client.get(client)
        if failures is not None and self._now() - failures.since > self._seconds:
            del self._by_client[client]
            return None
        return failures
