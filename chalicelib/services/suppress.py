"""Putting recipients on suppression lists and taking them off, with what is told of it.

A list is changed as it was read; when somebody else changes the entry meanwhile, it is looked at again. A renewal is
told nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.deeds import Beside, Deed
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import Contended
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.suppression import (
    NEVER,
    Name,
    Reason,
    Suppression,
    scope_of,
)
from chalicelib.domain.suppression_told import happened
from chalicelib.domain.tenancy.servers import USUAL_DAYS, Server, SuppressionDays
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList

MOST_TRIES = 8
Renewal = Callable[[Suppression, Suppression], Suppression]
"""What becomes of an entry that is there when this one is to be listed."""
Doing = Callable[[Suppression | None, Suppression | None], Sequence[Deed]]
"""What somebody does by hand by having the second entry in place of the first."""


def _nobody(_before: Suppression | None, _after: Suppression | None) -> Sequence[Deed]:
    return ()


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as it now is on its list, whether it is new there, and whether it was changed at all."""

    entry: Suppression
    is_new: bool
    is_changed: bool = True


class SuppressRecipients:
    """Whoever changes a list, but for imports."""

    def __init__(self, settings: Settings, clock: Clock, suppressions: SuppressionList) -> None:
        self._settings = settings
        self._clock = clock
        self._suppressions = suppressions

    async def add(
        self,
        server: Server,
        address: str,
        reason: Reason,
        email: MessageId | None = None,
        report: int | None = None,
        stream: str | None = None,
    ) -> Suppression:
        """List a recipient on the system's word, in one stream or in all, or renew its entry. Raises
        TemporaryFailure."""
        now = self._clock.now()
        until = self.until(reason, now, server.suppression_days)
        scope = scope_of(server.id, stream)
        entry = Suppression(address, reason.text, now, until, email, report, scope, stream)
        return (await self.put(server.id, entry, Suppression.renewed)).entry

    def until(self, reason: Reason, now: float, days: SuppressionDays = USUAL_DAYS) -> int:
        """When an entry of a reason ends that begins now, by the days of its server; of an organization's list they
        are the usual ones."""
        wanted = days.of(reason, self._settings.suppression_days)
        return NEVER if wanted is None else int(now) + wanted * DAY

    async def put(
        self,
        owner: ServerId,
        entry: Suppression,
        renewal: Renewal,
        doing: Doing = _nobody,
    ) -> Listed:
        """Have an entry on a list, or what the renewal makes of the one that is there. Raises TemporaryFailure."""
        name, now = Name(entry.address, entry.stream), self._clock.now()
        for _ in range(MOST_TRIES):
            known = (await self._suppressions.get(owner, [name], now)).get(name)
            after, told = entry, list[Beside]()
            if known is None:
                told += happened(EventType.SUPPRESSION_ADDED, owner, entry, now)
            else:
                after = renewal(known, entry)
            if after == known:
                return Listed(after, is_new=False, is_changed=False)
            told += doing(known, after)
            if await self._suppressions.put(owner, after, known, now, told):
                return Listed(after, known is None)
        raise Contended("The suppression list is changing, try again")

    async def remove(
        self,
        owner: ServerId,
        name: Name,
        only: Collection[str] | None = None,
        doing: Doing = _nobody,
    ) -> Suppression | None:
        """Take a recipient off a list, where `only` is given if it is there for one of these reasons (by their texts);
        what was there. Raises TemporaryFailure."""
        now = self._clock.now()
        for _ in range(MOST_TRIES):
            known = (await self._suppressions.get(owner, [name], now)).get(name)
            if known is None or (only is not None and known.reason not in only):
                return None
            told: list[Beside] = [*doing(known, None)]
            told += happened(EventType.SUPPRESSION_REMOVED, owner, known, now)
            if await self._suppressions.remove(owner, known, told):
                return known
        raise Contended("The suppression list is changing, try again")
