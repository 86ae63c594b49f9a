"""What the next run would remove of a server, by its settings or others; nothing is done.

Looked at are at most MOST_LOOKED_AT messages for each of the two, the oldest first, so that an answer comes in seconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef, MessageRecord
from chalicelib.domain.neighbours import TOGETHER_SECONDS
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.retention import Retention, Spared, next_run, spared_as, start_of
from chalicelib.ports.clock import Clock
from chalicelib.ports.contents import Contents
from chalicelib.ports.old_mail import OldMail
from chalicelib.services.retention.walk import PAGE, first_since

MOST_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class WouldGo:
    """How many messages and contents would go, with how many bytes; and how many would but for what they wait for."""

    messages: int
    contents: int
    bytes: int
    spared: dict[Spared, int]


class PreviewRetention:
    """Counts."""

    def __init__(self, clock: Clock, old: OldMail, contents: Contents) -> None:
        self._clock = clock
        self._old = old
        self._contents = contents

    async def run(self, server: ServerId, rules: Retention) -> WouldGo:
        """As of the next run."""
        now = next_run(self._clock.now())
        look = _Look()
        before = rules.messages_before(now)
        for record in await self._until(server, 0, before):
            look.message(record)
        days = await self._contents.days(server)
        excess, oldest = rules.excess(sum(days.values())), rules.contents_before(now)
        for day in sorted(days):
            if start_of(day) >= oldest and look.bytes >= excess:
                break
            there = await self._contents.existing(server, day)
            begin = await first_since(self._old, server, start_of(day))
            end = start_of(day) + DAY + TOGETHER_SECONDS
            for record in await self._until(server, begin, end):
                is_old = record.message.received_at < oldest or look.bytes < excess
                if is_old and there(record.message.blob):
                    look.body(record)
        return look.answer()

    async def _until(self, server: ServerId, after: int, until: float) -> list[MessageRecord]:
        """The messages behind a number that were accepted before a time."""
        found: list[MessageRecord] = []
        while len(found) < MOST_LOOKED_AT:
            page = await self._old.oldest(server, after, PAGE)
            found += [one for one in page if one.message.received_at < until]
            if len(page) < PAGE or page[-1].message.received_at > until + TOGETHER_SECONDS:
                break
            after = page[-1].message.id
        return found


class _Look:
    """What was counted so far."""

    def __init__(self) -> None:
        self.messages = 0
        self._gone: set[BlobRef] = set()
        self._needed: set[BlobRef] = set()
        self._spared: Counter[Spared] = Counter()
        self._counted: set[MessageId] = set()

    @property
    def bytes(self) -> int:
        """Of the bodies that would go."""
        return sum(one.length for one in self._gone - self._needed)

    def message(self, record: MessageRecord) -> None:
        """One that is old enough to go."""
        if not self._is_spared(record):
            self.messages += 1

    def body(self, record: MessageRecord) -> None:
        """One whose content is."""
        (self._needed if self._is_spared(record) else self._gone).add(record.message.blob)

    def answer(self) -> WouldGo:
        """All of it."""
        spared = {reason: self._spared[reason] for reason in Spared}
        return WouldGo(self.messages, len(self._gone - self._needed), self.bytes, spared)

    def _is_spared(self, record: MessageRecord) -> bool:
        reason = spared_as(record)
        if reason is not None and record.message.id not in self._counted:
            self._counted.add(record.message.id)
            self._spared[reason] += 1
        return reason is not None
