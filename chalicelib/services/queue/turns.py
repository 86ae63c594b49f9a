"""Whose turn it is, so that what is slow keeps nobody else waiting.

A job takes part in shares, one for each of those who might keep others waiting. An attempt that runs longer than
LONG_SECONDS is slow, and a share has so many slow ones at a time. A `wary` share, of one receiver, has no more attempts
at all until one of them was quick, and after one that was slow and failed a single one until another succeeds; while it
is slow its beginnings are counted for all processes and functions together. What is above a share is to be put off:
`NotYet` says for how long, so that what waits comes back at the pace at which it can be worked at. Nothing quick is
ever put off. What is known is kept in memory and bounded.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.rates import Policy
from chalicelib.ports.clock import Clock
from chalicelib.ports.rate_counters import RateCounters

LONG_SECONDS = 2.0
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 300.0
MOST_KNOWN = 4_096
MINUTE = 60
SLOW = "attempts of a slow share"


@dataclass(frozen=True, slots=True)
class Share:
    """Whom a job might keep others waiting for, by a key, and how many at a time."""

    key: str
    most: int
    wary: bool = False


class NotYet(TemporaryFailure):
    """It is not this job's turn: to be put off for so many seconds. Nothing was done."""

    def __init__(self, seconds: float) -> None:
        super().__init__("Others of the same share are slow")
        self.seconds = seconds


@dataclass(slots=True)
class _Known:
    """What is known of a share: when its attempts under way began, how long the last one took, whether one of late was
    quick, whether the last slow one failed, and until when others were put off (moments of the monotonic clock)."""

    began: dict[int, float] = field(default_factory=dict)
    seconds: float = 0.0
    is_quick: bool = False
    fails: bool = False
    put_off_until: float = 0.0

    def slow(self, now: float) -> int:
        """How many attempts under way are slow; they stand in the order in which they began."""
        late = itertools.takewhile(lambda began: now - began > LONG_SECONDS, self.began.values())
        return sum(1 for _ in late)

    def took(self, seconds: float, *, succeeded: bool) -> None:
        """An attempt is over."""
        is_slow = seconds > LONG_SECONDS
        self.seconds = seconds
        self.is_quick = not is_slow
        self.fails = not succeeded and (is_slow or self.fails)
        if succeeded and not is_slow:
            self.put_off_until = 0.0


class Turn:
    """A job's turn, while it lasts. Whoever has made an attempt says how it ended."""

    def __init__(self, clock: Clock, shares: Sequence[_Known], number: int) -> None:
        self._clock = clock
        self._shares = shares
        self._number = number
        self._began = clock.monotonic()
        self._succeeded: bool | None = None
        for one in shares:
            one.began[number] = self._began

    def attempted(self, *, succeeded: bool) -> None:
        """An attempt was made in this turn."""
        self._succeeded = succeeded

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        seconds = self._clock.monotonic() - self._began
        for one in self._shares:
            one.began.pop(self._number, None)
            if self._succeeded is not None:
                one.took(seconds, succeeded=self._succeeded)


class Turns:
    """Gives turns, in one process."""

    def __init__(self, clock: Clock, counters: RateCounters) -> None:
        self._clock = clock
        self._counters = counters
        self._numbers = itertools.count()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    async def take(self, shares: Sequence[Share]) -> Turn:
        """The turn of a job, to be used as a context. Raises NotYet."""
        now = self._clock.monotonic()
        known = [self._of(one.key) for one in shares]
        for share, one in zip(shares, known, strict=True):
            if _is_full(share, one, now):
                raise NotYet(_wait(share, one, now))
        turn = Turn(self._clock, known, next(self._numbers))
        for share, one in zip(shares, known, strict=True):
            if share.wary and one.seconds > LONG_SECONDS and not await self._counted(share, one):
                with turn:
                    raise NotYet(_wait(share, one, now))
        return turn

    def wait_behind(self, shares: Sequence[Share]) -> float | None:
        """How long to put off a job that stands behind one that is slow; None for one without a wary share, which
        stays where it is."""
        now = self._clock.monotonic()
        return next((_wait(one, self._of(one.key), now) for one in shares if one.wary), None)

    async def _counted(self, share: Share, known: _Known) -> bool:
        """Whether one more may begin, of all that do in any process."""
        at_once = 1 if known.fails else share.most
        quota = max(at_once, int(at_once * MINUTE / known.seconds))
        digest = hashlib.sha256(share.key.encode()).hexdigest()
        try:
            window = await self._counters.take(
                Policy(SLOW, quota, MINUTE), digest, self._clock.now()
            )
        except TemporaryFailure:
            return True
        return not window.is_over_quota

    def _of(self, key: str) -> _Known:
        """What is known of a share; of those that are idle the ones that were asked for longest ago are forgotten."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = _Known()
        self._known.move_to_end(key)
        while len(self._known) > MOST_KNOWN:
            oldest, known = next(iter(self._known.items()))
            if known.began:
                break
            del self._known[oldest]
        return found


def _is_full(share: Share, known: _Known, now: float) -> bool:
    if not share.wary:
        return known.slow(now) >= share.most
    if known.fails:
        return bool(known.began)
    under_way = known.slow(now) if known.is_quick else len(known.began)
    return under_way >= share.most


def _wait(share: Share, known: _Known, now: float) -> float:
    """How long to put a job off: until those that were put off before have had their turn. Later than LONGEST_WAIT
    they begin anew, so that not all of them come back at once."""
    oldest = now - next(iter(known.began.values()), now)
    pace = max(known.seconds, oldest, SHORTEST_WAIT) / (1 if known.fails else share.most)
    until = max(known.put_off_until, now) + pace
    if until > now + LONGEST_WAIT:
        until = now + pace
    known.put_off_until = until
    return max(SHORTEST_WAIT, until - now)
