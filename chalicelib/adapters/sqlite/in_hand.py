"""How many jobs of each pool this process has in hand, and accepted mail that goes straight to its deliverers.

Mail that is stored while nothing else of its pool waits is stored as handed out already, to this process: it is spared
the look into the queue. From its storing on it is in hand like any other job, so a process that dies gives it back, and
what there is no room for waits in the queue.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chalicelib.adapters.sqlite.queue import HandedOut

Take = Callable[[str, "Sequence[HandedOut]"], None]


class InHand:
    """Counts jobs. The loop and the store's thread use it at the same time."""

    def __init__(self) -> None:
        self.owner = ""
        self._most = 0
        self._take: Take | None = None
        self._is_open = False
        self._jobs: defaultdict[str, int] = defaultdict(int)
        self._idle: set[str] = set()
        self._left: Counter[str] = Counter()
        self._lock = threading.Lock()

    def open(self, owner: str, most: int, take: Take) -> None:
        """From now on `take` is given a pool's stored jobs, which are the `owner`'s; at most so many of a pool are in
        hand."""
        self.owner, self._most, self._take = owner, most, take
        self._is_open = True

    def close(self) -> None:
        """What is stored from now on waits in the queue; what is being stored is still handed over."""
        self._is_open = False

    def room(self, pool: str) -> int:
        """How many more jobs of the pool may be taken."""
        return self._most - self._jobs[pool]

    @property
    def total(self) -> int:
        """How many jobs are in hand, those among them that are being stored."""
        return sum(self._jobs.values())

    def left(self, pool: str) -> int:
        """How many stored jobs of the pool did not come to this process, since it began."""
        return self._left[pool]

    def looked(self, pool: str, left: int, *, more_wait: bool) -> None:
        """The queue was looked into when so many were `left`: whether jobs of the pool stayed in it."""
        with self._lock:
            nothing_waits = not more_wait and left == self._left[pool]
            (self._idle.add if nothing_waits else self._idle.discard)(pool)

    def add(self, pool: str, count: int) -> None:
        """Jobs were taken; a negative count for those that are done with."""
        with self._lock:
            self._jobs[pool] += count

    def reserve(self, pool: str) -> bool:
        """Whether a job that is being stored comes to this process, which has it in hand then. Otherwise it waits in
        the queue, and so do all after it until somebody has looked there."""
        with self._lock:
            if not self._is_open or pool not in self._idle or self._jobs[pool] >= self._most:
                self._idle.discard(pool)
                self._left[pool] += 1
                return False
            self._jobs[pool] += 1
            return True

    def give(self, jobs: Sequence[tuple[str, HandedOut]]) -> None:
        """Hand over reserved jobs that are stored, each with its pool."""
        by_pool: defaultdict[str, list[HandedOut]] = defaultdict(list)
        for pool, job in jobs:
            by_pool[pool].append(job)
        for pool, some in by_pool.items():
            if self._take is not None:
                self._take(pool, some)
