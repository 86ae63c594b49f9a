"""Counters of groups in the mail table: each source's batch goes into its open pack, which the hour folds into days.

A batch reads the open pack of its source and writes it back with what it adds and its last number, under the condition
that nobody came between. A pack that is larger than FULL_BYTES is put aside in the same transaction that begins a new
one. So a batch costs a read and, as long as its groups are the usual ones, one write unit.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.aws.dynamo.group_fold import GroupFold
from chalicelib.adapters.aws.dynamo.group_items import (
    PACKS_BETWEEN,
    day_of,
    days_between,
    full_item,
    open_key,
    partition_of,
    read_rows,
    read_values,
    render_rows,
)
from chalicelib.adapters.aws.dynamo.table import Item, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.sequences import sortable
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY, HOUR
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.groups import (
    HOURS_KEPT,
    Dimension,
    GroupAddition,
    Rows,
    add_counts,
    spread,
    together,
)
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.periods import Period
from chalicelib.domain.statistics import Counts
from chalicelib.ports.clock import Clock
from chalicelib.ports.group_counts import GroupCounts, Parts, Span

FULL_BYTES = 850  # with its key and numbers, an item of one write unit
LARGEST_BYTES = 200_000
# Longer than packs ever wait: they end only where nothing folds any more.
KEPT_SECONDS = 60 * DAY
_RACES = 5
_Numbered = list[tuple[str, GroupAddition]]


class DynamoGroupCounts(GroupCounts):
    """The `GroupCounts` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, clock: Clock) -> None:
        self._table = Table(session, settings.mail_table)
        self._clock = clock
        self._fold = GroupFold(self._table, clock)

    async def add(self, source: str, server: ServerId, additions: Sequence[GroupAddition]) -> None:
        """Add what was not taken from this source; see the port. What would make a pack too large is added in parts,
        each with the last number that it took."""
        numbered = [(sortable(one.sequence), one) for one in additions]
        races = 0
        while numbered:
            item = await self._table.get(*open_key(server, source))
            known = item["q"]["S"] if item else ""
            numbered = [(number, one) for number, one in numbered if number > known]
            if not numbered:
                return
            taken = await self._write(source, server, item, numbered)
            numbered = numbered[taken:]
            races += not taken
            if races >= _RACES:
                raise TemporaryFailure(
                    "The statistics are being changed by others, try again later"
                )

    async def read(
        self, server: ServerId, dimension: Dimension, span: Span, value: str | None = None
    ) -> Parts:
        """The days of the span, then the packs: what is folded in between is missed, and shown a moment later."""
        partition = ("PK", partition_of(server))
        between = "SK BETWEEN :first AND :last"
        keys = days_between(dimension, span.first, span.last)
        days = await self._table.query(partition, sort=between, values=keys)
        packs = await self._table.query(partition, sort=between, values=PACKS_BETWEEN)
        reading = _Reading(span, value, self._clock.now())
        for item in days:
            for name, hours in read_values(item).items():
                for number, counts in hours.items():
                    reading.add(name, day_of(item) + int(number) * HOUR, counts)
        for item in packs:
            for (one, name, hour), counts in spread(read_rows(item)).items():
                if one is dimension:
                    reading.add(name, hour, counts)
        return reading.found

    async def fold(self, server: ServerId) -> int:
        """Fold some packs into their days."""
        return await self._fold.run(server)

    async def _write(
        self, source: str, server: ServerId, item: Item | None, numbered: _Numbered
    ) -> int:
        """How many of the additions are in the pack now; none when somebody came between."""
        is_full = item is not None and "b" in item and len(item["b"]["B"]) > FULL_BYTES
        taken, packed = _packed({} if is_full else read_rows(item), numbered)
        now = int(self._clock.now())
        new = key_of(*open_key(server, source)) | {
            "q": {"S": numbered[taken - 1][0]},
            "v": {"N": str(1 + int(item["v"]["N"]) if item else 1)},
            "u": {"N": str(now)},
            "x": {"N": str(now + KEPT_SECONDS)},
            "b": {"B": packed},
        }
        condition = "v = :known" if item else "attribute_not_exists(v)"
        values = {":known": item["v"]} if item else {}
        if item is None or not is_full:
            return taken if (await self._table.put(new, condition, values)).held else 0
        put = {"Item": new, "ConditionExpression": condition, "ExpressionAttributeValues": values}
        full = full_item(server, source, item) | {"x": new["x"]}
        failed = await self._table.transact({"Put": put}, {"Put": {"Item": full}})
        return taken if failed is None else 0


class _Reading:
    """Sums what lies in a span, by value and part."""

    def __init__(self, span: Span, value: str | None, now: float) -> None:
        self.found: dict[str, dict[int, dict[str, int]]] = {}
        self._span = span
        self._value = value
        self._oldest = now - HOURS_KEPT * DAY if span.period is Period.HOUR else 0

    def add(self, name: str, hour: int, counts: Counts) -> None:
        """Add an hour's counters, if they are wanted."""
        span = self._span
        start = hour if span.period is Period.HOUR else hour // DAY * DAY
        if not span.first <= start <= span.last or start <= self._oldest:
            return
        if self._value in (None, name):
            parts = self.found.setdefault(name, {})
            add_counts(parts.setdefault(span.part_of(start), {}), counts)


def _packed(rows: Rows, numbered: _Numbered) -> tuple[int, bytes]:
    """How many of the additions go into a pack, and the pack: all, or as many as leave it below LARGEST_BYTES."""
    count = len(numbered)
    while True:
        while count < len(numbered) and numbered[count - 1][0] == numbered[count][0]:
            count += 1  # what has one number goes together
        merged = {place: dict(counts) for place, counts in rows.items()}
        for place, counts in together(one for _, one in numbered[:count]).items():
            add_counts(merged.setdefault(place, {}), counts)
        packed = render_rows(merged)
        first = numbered[0][0]
        if len(packed) <= LARGEST_BYTES or numbered[count - 1][0] == first:
            return count, packed
        count //= 2
