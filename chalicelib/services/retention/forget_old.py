"""What a server keeps no longer, forgotten: old messages with their contents, then contents alone, oldest first.

Each step is bounded and may be done again. Contents go before the messages that name them, so that a death leaves
nothing that nobody finds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chalicelib.domain.durations import DAY
from chalicelib.domain.model import BlobRef, MessageRecord
from chalicelib.domain.neighbours import TOGETHER_SECONDS
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.retention import Retention, spared_as, start_of
from chalicelib.ports.contents import Contents, Existing
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.old_mail import OldMail
from chalicelib.services.retention.give_back import GiveBack
from chalicelib.services.retention.there import There
from chalicelib.services.retention.walk import first_since, walk

IsOver = Callable[[], bool]


@dataclass(slots=True)
class Forgotten:
    """How much went; and where the day is whose contents were not done with, when the time was over."""

    messages: int = 0
    bytes: int = 0
    day: str = ""
    after: int = 0
    is_done: bool = True


class ForgetOld:
    """The work of a run for one server."""

    def __init__(
        self, old: OldMail, contents: Contents, give_back: GiveBack, index: MailIndex
    ) -> None:
        self._old = old
        self._contents = contents
        self._give_back = give_back
        self._index = index

    async def messages(
        self, server: ServerId, rules: Retention, now: float, is_over: IsOver
    ) -> Forgotten:
        """Forget messages, with whatever hangs on them."""
        done, before = Forgotten(), rules.messages_before(now)
        if before <= 0:
            return done
        needs, there = _needing(rules.contents_before(now)), There(self._contents, server)
        async for batch in walk(self._old, server, 0, before, needs):
            gone = [one for one in batch.records if spared_as(one) is None]
            await self.forget(server, gone, batch.needing, there)
            done.messages += len(gone)
            if is_over():
                done.is_done = False
                break
        return done

    async def forget(
        self,
        server: ServerId,
        gone: Sequence[MessageRecord],
        needing: Sequence[MessageRecord],
        there: There,
        *,
        at_once: bool = False,
    ) -> dict[BlobRef, BlobRef]:
        """Forget at most MOST_FORGOTTEN messages: contents, entries of the index, and messages at last. Where bodies
        are that were put elsewhere."""
        if not gone:
            return {}
        bodies = await there.of({one.message.blob for one in gone})
        moved = await self._give_back.run(server, bodies, needing, at_once=at_once)
        numbers = [one.message.id for one in gone]
        await self._index.forget(server, numbers, words_later=not at_once)
        await self._old.forget(gone)
        return moved

    async def contents(
        self,
        server: ServerId,
        rules: Retention,
        now: float,
        is_over: IsOver,
        begin: tuple[str, int] = ("", 0),
    ) -> Forgotten:
        """Give back contents, day by day; `begin` is a day and a message behind which to go on."""
        done = Forgotten()
        days = await self._contents.days(server)
        before = min(rules.contents_before(now), now - TOGETHER_SECONDS)
        excess = rules.excess(sum(days.values()))
        for day in sorted(one for one in days if one >= begin[0]):
            if start_of(day) >= before and done.bytes >= excess:
                break
            after = begin[1] if day == begin[0] else 0
            one = _Day(server, day, before, excess, now)
            await self._day(one, after, done, is_over)
            if not done.is_done:
                break
        return done

    async def _day(self, one: _Day, after: int, done: Forgotten, is_over: IsOver) -> None:
        there = await self._contents.existing(one.server, one.day)
        begin = after or await first_since(self._old, one.server, start_of(one.day))
        end = min(start_of(one.day) + DAY + TOGETHER_SECONDS, one.now - TOGETHER_SECONDS)
        left: set[BlobRef] = set()

        def is_needed(record: MessageRecord) -> bool:
            is_old = record.message.received_at < one.before or done.bytes < one.excess
            needs = not is_old or spared_as(record) is not None
            if needs:
                left.add(record.message.blob)
            return needs

        async for batch in walk(self._old, one.server, begin, end, is_needed):
            needed = {each.message.blob for each in batch.needing}
            gone = _going(batch.records, one, done, there) - needed
            await self._old.forget_conversations(_unsaid(batch.records, gone, there))
            if gone:
                moved = await self._give_back.run(one.server, gone, batch.needing)
                left |= set(moved.values())
            done.bytes += sum(body.length for body in gone)
            if is_over():
                done.day, done.after, done.is_done = one.day, batch.last, False
                return
        # Some of it was seen in another run: then the next one counts.
        if not after and start_of(one.day) + DAY + TOGETHER_SECONDS <= one.before:
            await self._contents.recount(one.server, one.day, left, one.now)


@dataclass(frozen=True, slots=True)
class _Day:
    """A day of a server: what was accepted `before` goes, and what makes `excess` bytes."""

    server: ServerId
    day: str
    before: float
    excess: int
    now: float


def _going(
    records: Sequence[MessageRecord], one: _Day, done: Forgotten, there: Existing
) -> set[BlobRef]:
    """The bodies of a batch that go."""
    gone: set[BlobRef] = set()
    for record in records:
        body, squeezed = record.message.blob, done.bytes + sum(each.length for each in gone)
        is_old = record.message.received_at < one.before or squeezed < one.excess
        if is_old and spared_as(record) is None and body not in gone and there(body):
            gone.add(body)
    return gone


def _unsaid(
    records: Sequence[MessageRecord], gone: set[BlobRef], there: Existing
) -> list[MessageRecord]:
    """Those whose conversations go, with their contents or after them."""
    return [
        one
        for one in records
        if spared_as(one) is None and (one.message.blob in gone or not there(one.message.blob))
    ]


def _needing(before: float) -> Callable[[MessageRecord], bool]:
    return lambda one: one.message.received_at >= before or spared_as(one) is not None
