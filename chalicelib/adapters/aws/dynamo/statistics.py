"""Counters in the mail table: `S#<server>#N` and `m#…`, `h#…` or `d#…`, the slot's first second and the source.

Each source has items of its own, which hold the last number that they have taken: adding is one update with the
condition that all the numbers are new. Only when it fails (a replay) is the item's last number looked at, and what is
above it added. Minutes end after two hours, hours after sixty days; what DynamoDB has not removed by then is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.table import Item, Table, Written, is_over
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.latency import is_bucket
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import WITHIN, Addition, Count, Counts, Slot, totals
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics

ATTRIBUTES = {
    Count.INCOMING: "i",
    Count.OUTGOING: "o",
    Count.SPAM: "p",
    Count.BOUNCES: "b",
    Count.HELD: "h",
    Count.SENT: "s",
    Count.SOFT_FAILS: "f",
    Count.HARD_FAILS: "u",
    Count.OPENS: "e",
    Count.CLICKS: "c",
    **{count: f"w{seconds}" for count, seconds in WITHIN.items()},
    Count.LATER: "wl",
    Count.DELIVERY_MS: "wm",
    Count.COMPLAINTS: "k",
    Count.UNSUBSCRIBES: "n",
    Count.RELEASED: "r",
    Count.DELAYS: "d",
    Count.SENT_MESSAGES: "sm",
    Count.FAILED_MESSAGES: "fm",
    Count.OPENED_MESSAGES: "om",
    Count.CLICKED_MESSAGES: "cm",
    Count.REFUSED_MESSAGES: "rm",
    Count.RETURNED_MESSAGES: "tm",
    Count.PROVEN_COMPLAINTS: "pk",
}
_NAMES = {attribute: count for count, attribute in ATTRIBUTES.items()}
_RACES = 5
_LAST_SOURCE = "~"  # above every character that a source's name begins with


class DynamoStatistics(Statistics):
    """The `Statistics` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock

    async def add(self, source: str, slot: Slot, additions: Sequence[Addition]) -> None:
        """Add what the slot has not seen from this source: one update, or two after a replay; see the port."""
        fresh = [(sortable(one.sequence), one) for one in additions]
        stored = ""
        for _ in range(_RACES):
            if not fresh:
                return
            written = await self._update(source, slot, fresh, stored)
            if written.held:
                return
            stored = written.item["q"]["S"]
            fresh = [(number, one) for number, one in fresh if number > stored]
        raise TemporaryFailure("The statistics are being changed by others, try again later")

    async def read(
        self, server: ServerId, period: Period, first: int, last: int
    ) -> Sequence[tuple[int, Counts]]:
        """The slots that have counts: one query."""
        items = await self._table.query(
            ("PK", _partition(server)),
            sort="SK BETWEEN :first AND :last",
            values={
                ":first": {"S": _sort_key(period, first, "")},
                ":last": {"S": _sort_key(period, last, _LAST_SOURCE)},
            },
        )
        found: dict[int, list[Counts]] = {}
        now = self._clock.now()
        for item in items:
            if is_over(item, now):
                continue
            start = int(item["SK"]["S"].split("#")[1])
            found.setdefault(start, []).append(_counts(item))
        return [(start, totals(counts)) for start, counts in found.items()]

    async def _update(
        self, source: str, slot: Slot, fresh: Sequence[tuple[str, Addition]], stored: str
    ) -> Written:
        """Add everything in `fresh`, if the slot's last number is `stored` or, where that is empty, below them all."""
        sums = totals(one.counts for _, one in fresh)
        values: Item = {f":{_attribute(count)}": {"N": str(n)} for count, n in sums.items()}
        values |= {":last": {"S": fresh[-1][0]}, ":known": {"S": stored or fresh[0][0]}}
        adding = ", ".join(f"{_attribute(count)} :{_attribute(count)}" for count in sums)
        expression = f"ADD {adding} SET q = :last"
        if slot.keep_until is not None:
            expression += ", x = :end"
            values[":end"] = {"N": str(slot.keep_until)}
        condition = "q = :known" if stored else "attribute_not_exists(q) OR q < :known"
        key = _partition(slot.server), _sort_key(slot.period, slot.start, source)
        return await self._table.update(key, expression, values, condition)


def _partition(server: ServerId) -> str:
    return f"S#{server}#N"


def _sort_key(period: Period, start: int, source: str) -> str:
    return f"{period.value[0]}#{start:010d}#{source}"


def _counts(item: Item) -> dict[str, int]:
    found: dict[str, int] = {}
    for attribute, value in item.items():
        name = _NAMES.get(attribute, attribute)
        if attribute in _NAMES or is_bucket(attribute):
            found[name] = int(value["N"])
    return found


def _attribute(count: str) -> str:
    """The attribute of a counter; buckets have their own names."""
    return count if is_bucket(count) else ATTRIBUTES[Count(count)]
