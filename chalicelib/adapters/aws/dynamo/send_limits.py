"""Places in the windows of send limits, in the mail table (`limit_keys`).

A wish is one conditional update an owner: a unit each, as long as counts have few digits. Of several owners the
narrowest comes first; where a later one has no room, the others get their places back. A transaction would cost twice
as much, and fail whenever two workers meet at a busy owner. A window that goes on costs one more update a slot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from itertools import groupby

from chalicelib.adapters.aws.dynamo.limit_keys import (
    counts_key,
    letter,
    line_key,
    may_have_marked,
    new_mark,
    read_counts,
    slot_name,
    with_mark,
)
from chalicelib.adapters.aws.dynamo.table import Item, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.errors import Contended, TemporaryFailure
from chalicelib.domain.limits.limit import Limit, LimitOwner, Line, Usage, passed
from chalicelib.domain.limits.windows import SLOTS, Counts, kept_until, slot_of
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.send_limits import SendLimits, Took

_RACES = 20
_LONGER = 2 * 86_400  # the mark of a line lies in the item too
Passes = frozenset[Line]
"""The lines that need not be empty."""
_BUSY = "The limit is counted by too many at once, try again later"


class DynamoSendLimits(SendLimits):
    """The `SendLimits` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def take(
        self, limits: Sequence[Limit], count: int, now: float, *, in_line: Line | None = None
    ) -> Took:
        """Owner by owner; see the port."""
        taken: list[Limit] = []
        usages: list[Usage] = []
        full: Took | None = None
        passes = passed(limits, in_line)
        try:
            for owner, group in groupby(limits, key=lambda one: one.owner):
                ours = list(group)
                took = await self._take(owner, ours, count, now, passes)
                usages += took.usages
                if took.full is not None:
                    full = took
                    break
                taken += ours
        except TemporaryFailure:
            await self._lose_or_give_back(taken, count, now)
            raise
        if full is None:
            return Took(usages)
        await self._lose_or_give_back(taken, count, now)
        return Took(usages, full.full, full.free_at, full.waiting)

    async def give_back(self, limits: Sequence[Limit], count: int, at: float) -> None:
        """An update a limit, in the slots of `at` or what became the newest then."""
        done = await asyncio.gather(
            *(self._give_back(one, count, at) for one in limits), return_exceptions=True
        )
        for one in done:
            if one is not None:
                raise one

    async def usages(self, limits: Sequence[Limit], now: float) -> list[Usage]:
        """One read an owner."""
        owners = dict.fromkeys(counts_key(one.owner) for one in limits)
        items = await self._table.get_many(list(owners), consistent=False)
        return [_usage(one, items.get(counts_key(one.owner), {}), now) for one in limits]

    async def forget(self, owner: LimitOwner) -> None:
        """Remove its item."""
        await self._table.delete(counts_key(owner))

    async def _lose_or_give_back(self, limits: Sequence[Limit], count: int, at: float) -> None:
        """What cannot be given back is lost: another try could give a place back twice."""
        with suppress(TemporaryFailure):
            await self.give_back(limits, count, at)

    async def _take(
        self, owner: LimitOwner, limits: list[Limit], count: int, now: float, passes: Passes
    ) -> Took:
        """Count where the item says that there is room; where it says that its windows have stood still, have them go
        on first."""
        slots = {one.period: slot_of(one.period, now) for one in limits}
        for _ in range(_RACES):
            expression, condition, values = _wish(limits, slots, count, now, passes)
            written = await self._table.update(
                counts_key(owner), expression, values, condition, returning="ALL_NEW"
            )
            if written.held:
                return Took([_usage(one, written.item, now) for one in limits])
            item = written.item
            behind = [one for one in limits if _newest(item, one) < slots[one.period]]
            if behind:
                await self._go_on(owner, behind, item, slots)
                continue
            # Another clock may be ahead of ours.
            slots = {one.period: max(slots[one.period], _newest(item, one)) for one in limits}
            full = await self._full(limits, item, count, now, passes)
            if full is not None:
                return full
        raise Contended(_BUSY)

    async def _full(
        self, limits: list[Limit], item: Item, count: int, now: float, passes: Passes
    ) -> Took | None:
        usages = [_usage(one, item, now) for one in limits]
        for limit in limits:
            counts = _counts(item, limit, now)
            free_at = counts.free_at(limit.most, count, now)
            has_line = f"q{letter(limit.period)}" in item
            must_wait = has_line and limit.line not in passes
            if must_wait or counts.used + count > limit.most:
                waiting = 0
                if has_line:
                    line = await self._table.get(*line_key(limit.line), consistent=False) or {}
                    waiting = int(_number(line, "k"))
                    free_at = max(free_at, _number(line, "du"))
                return Took(usages, limit, free_at, waiting)
        return None

    async def _go_on(
        self, owner: LimitOwner, limits: list[Limit], item: Item, slots: dict[Period, int]
    ) -> None:
        """Let windows go on to these slots, unless somebody else has. What counts no longer is taken off the sum, to
        which others may add meanwhile."""
        sets, gone = ["v = :next"], list[str]()
        unchanged, values = _unchanged(item)
        conditions = [unchanged]
        values[":next"] = {"N": str(int(_number(item, "v")) + 1)}
        for limit in limits:
            name, newest = letter(limit.period), slots[limit.period]
            before = read_counts(item, limit.period, 0).slots
            over = {slot: n for slot, n in before.items() if slot <= newest - SLOTS[limit.period]}
            known = f"r{name}" in item
            sets.append(f"t{name} = t{name} - :o{name}" if known else f"t{name} = :o{name}")
            sets.append(f"r{name} = :r{name}")
            values[f":o{name}"] = {"N": str(sum(over.values()))}
            values[f":r{name}"] = {"N": str(newest)}
            gone += [slot_name(limit.period, slot) for slot in over]
            if known and (last := _newest(item, limit)) in over:  # a slow clock may still add to it
                place = slot_name(limit.period, last)
                conditions.append(f"{place} = :l{name}")
                values[f":l{name}"] = item[place]
            if known:
                conditions.append(f"r{name} = :w{name}")
                values[f":w{name}"] = item[f"r{name}"]
            else:
                conditions.append(f"attribute_not_exists(r{name})")
        expression = "SET " + ", ".join(sets) + (" REMOVE " + ", ".join(gone) if gone else "")
        await self._table.update(counts_key(owner), expression, values, " AND ".join(conditions))

    async def _give_back(self, limit: Limit, count: int, at: float) -> None:
        """Read, and written under the condition that nothing but additions came between. The write leaves a mark among
        the latest ones: a call that was repeated because its answer was lost finds its own and gives nothing back
        twice, and where too much was written since to tell, the place is lost."""
        name, slot, mark = letter(limit.period), slot_of(limit.period, at), new_mark()
        place = slot_name(limit.period, slot)
        for _ in range(_RACES):
            item = await self._table.get(*counts_key(limit.owner)) or {}
            newest = _newest(item, limit)
            if not slot <= newest < slot + SLOTS[limit.period] or int(_number(item, place)) < count:
                return
            version = int(_number(item, "v"))
            condition, values = _unchanged(item)
            values |= {
                ":count": {"N": str(count)},
                ":next": {"N": str(version + 1)},
                ":marks": {"S": with_mark(item, mark)},
            }
            written = await self._table.update(
                counts_key(limit.owner),
                f"SET t{name} = t{name} - :count, {place} = {place} - :count, v = :next,"
                " w = :marks",
                values,
                condition,
            )
            if written.held or may_have_marked(written.item, mark, version):
                return
        raise Contended(_BUSY)


def _wish(
    limits: Sequence[Limit], slots: dict[Period, int], count: int, now: float, passes: Passes
) -> tuple[str, str, Item]:
    """Expression, condition and values of an owner's update."""
    ends = max(kept_until(one.period, now) for one in limits) + _LONGER
    sets, conditions = ["x = :end"], list[str]()
    values: Item = {
        ":count": {"N": str(count)},
        ":none": {"N": "0"},
        ":end": {"N": str(ends)},
    }
    for limit in limits:
        name, slot = letter(limit.period), slots[limit.period]
        place = slot_name(limit.period, slot)
        sets.append(f"t{name} = t{name} + :count")
        sets.append(f"{place} = if_not_exists({place}, :none) + :count")
        conditions.append(f"r{name} = :s{name} AND t{name} <= :m{name}")
        if limit.line not in passes:
            conditions.append(f"attribute_not_exists(q{name})")
        values[f":s{name}"] = {"N": str(slot)}
        values[f":m{name}"] = {"N": str(limit.most - count)}
    return "SET " + ", ".join(sets), " AND ".join(conditions), values


def _newest(item: Item, limit: Limit) -> int:
    """The newest slot of a window; before any when nothing was counted."""
    known = item.get(f"r{letter(limit.period)}")
    return -1 if known is None else int(known["N"])


def _counts(item: Item, limit: Limit, now: float) -> Counts:
    return read_counts(item, limit.period, slot_of(limit.period, now))


def _usage(limit: Limit, item: Item, now: float) -> Usage:
    counts = _counts(item, limit, now)
    return Usage(limit, counts.used, counts.resets_at(now))


def _unchanged(item: Item) -> tuple[str, Item]:
    """The condition that nothing but additions came since the item was read, with its values."""
    if "v" in item:
        return "v = :version", {":version": item["v"]}
    return "attribute_not_exists(v)", {}


def _number(item: Item, name: str) -> float:
    return float(item[name]["N"]) if name in item else 0
