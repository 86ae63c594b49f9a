"""An installation copied into another family of stores, while it serves and once it rests.

It goes through the ports of both sides, so that to AWS and from AWS are one way. Configuration goes first, its secrets
opened on one side and sealed on the other; then what is over: messages with their log, bytes, links and hits. Once
nothing serves the source, `last` brings what waits, counters and the numbers that were given. Whatever was copied may
be copied again: a run that was stopped goes on at its page, and a further one brings what has changed.

Not moved: the send rate of the last hour, first answers by idempotency key, uploads, and messages of servers that were
removed.
"""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.statistics import KEPT_SECONDS, Addition, Period, Slot
from chalicelib.ports.clock import Clock
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.repository import Repository
from chalicelib.ports.statistics import Statistics
from chalicelib.ports.suppressions import SuppressionList
from onehost.move.configuration import copy_configuration, organizations, servers
from onehost.move.messages import MessageCopy
from onehost.move.steps import Steps
from onehost.storage.progress import Progress

MOVED = "moved"  # the source of what counters were counted elsewhere
KINDS = ("message", "delivery")
AT_ONCE = 100_000
OLDEST = 3_650 * DAY


class Move:
    """One move, from one program to another."""

    def __init__(
        self, source: Posthorn, target: Posthorn, steps: Steps, progress: Progress
    ) -> None:
        self._source = source
        self._target = target
        self._steps = steps
        self._progress = progress

    async def run(self, *, last: bool) -> int:
        """Copy what can be copied; with `last`, everything. How many messages were looked at in this run."""
        if not self._steps.begun and await organizations(self._target):
            raise PermanentFailure(
                "The other side has organizations already: a move needs an empty one"
            )
        self._steps.begin()
        await copy_configuration(self._source, self._target)
        copy = MessageCopy(self._source, self._target, self._steps, self._progress, last=last)
        for server in await servers(self._source):
            await self._suppressions(server)
            await copy.all_of(server)
            if last:
                await self._counters(server)
                await self._numbers(server)
        if last:
            await self._sequences()
        self._steps.forget_pages()
        return copy.seen

    async def _suppressions(self, server: ServerId) -> None:
        """Those of now; what was removed meanwhile is removed there, too."""
        now = self._source[Clock].now()
        ours = await self._source[SuppressionList].all(server, now)
        theirs = await self._target[SuppressionList].all(server, now)
        for entry in ours:
            if entry not in theirs:
                await self._target[SuppressionList].add(server, entry)
        known = {entry.address.lower() for entry in ours}
        for entry in theirs:
            if entry.address.lower() not in known:
                await self._target[SuppressionList].remove(server, entry.address)

    async def _counters(self, server: ServerId) -> None:
        """Each slot as one addition, which is counted once however often it is made."""
        now = int(self._source[Clock].now())
        for period in Period:
            first = now - KEPT_SECONDS.get(period, OLDEST)
            for start, counts in await self._source[Statistics].read(server, period, first, now):
                slot = Slot(server, period, start)
                await self._target[Statistics].add(MOVED, slot, [Addition("1", counts)])

    async def _numbers(self, server: ServerId) -> None:
        """Have the other side go on after the last number that was given."""
        for kind in KINDS:
            (given,) = await self._source[Numbers].take(server, kind, 1)
            (last,) = await self._target[Numbers].take(server, kind, 1)
            while last < given:
                count = min(AT_ONCE, given - last)
                last = (await self._target[Numbers].take(server, kind, count))[-1]

    async def _sequences(self) -> None:
        for kind in ("organization", "server"):
            given = await self._source[Repository].next_number(kind)
            while await self._target[Repository].next_number(kind) < given:
                pass
