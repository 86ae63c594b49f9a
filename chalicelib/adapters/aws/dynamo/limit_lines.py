"""The lines of mail that send limits hold, in the mail table (`limit_keys`).

A message that is held costs three units beside its record: itself, its line, and the mark at the owner's counts that a
line is there. Each of them may be written again; they come in this order, so that a line is never without what stands
in it, and the mark is taken off last.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.limit_keys import (
    DUE_LINES,
    counts_key,
    letter,
    line_called,
    line_key,
    read_standing,
    standing_key,
    standing_partition,
    standing_prefix,
)
from chalicelib.adapters.aws.dynamo.table import Item, Table
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.config import Settings
from chalicelib.domain.limits.limit import Holding, LimitOwner, Line, Standing
from chalicelib.domain.tenancy.rate_limits import Rate
from chalicelib.domain.tenancy.send_limits import Period
from chalicelib.ports.limit_lines import LimitLines, LineState
from chalicelib.ports.rand import Rand

_OPEN = (
    "SET dk = if_not_exists(dk, :lines), du = if_not_exists(du, :due),"
    " z = if_not_exists(z, :none), o = if_not_exists(o, :most) ADD g :one, k :new"
)


class DynamoLimitLines(LimitLines):
    """The `LimitLines` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, rand: Rand) -> None:
        self._table = Table(session, settings.mail_table)
        self._rand = rand

    async def enter(self, limit: Holding, standing: Standing, due_at: float) -> None:
        """The message, the line, the mark; see the port."""
        key = standing_key(limit.line, standing)
        attempt = _n(standing.attempt)
        # Of two workers with the same message the one with the later attempt is right.
        stood = await self._table.update(
            key,
            "SET t = :at, a = :attempt",
            {":at": _n(standing.at), ":attempt": attempt},
            "attribute_not_exists(PK) OR a < :attempt",
            returning="ALL_OLD",
        )
        new = stood.held and not stood.item
        values: Item = {
            ":lines": {"S": DUE_LINES},
            ":due": _n(due_at),
            ":none": _n(0),
            ":most": _n(limit.most),
            ":one": _n(1),
            ":new": _n(int(new)),
        }
        await self._table.update(line_key(limit.line), _OPEN, values)
        mark = {":mark": {"S": self._rand.bytes(6).hex()}}
        name = f"q{letter(limit.line.period)}"
        await self._table.update(counts_key(limit.line.owner), f"SET {name} = :mark", mark)

    async def leave(self, line: Line, standing: Standing) -> None:
        """Delete the message of this attempt, and count it off."""
        gone = await self._table.delete_if(
            standing_key(line, standing), "a = :attempt", {":attempt": _n(standing.attempt)}
        )
        if gone:
            less: Item = {":less": _n(-1)}
            await self._table.update(line_key(line), "ADD k :less", less, "attribute_exists(PK)")

    async def first(self, line: Line, count: int, after: Standing | None = None) -> list[Standing]:
        """One query."""
        prefix = standing_prefix(line)
        behind = standing_key(line, after) if after is not None else None
        found = await self._table.query(
            ("PK", standing_partition(line)),
            sort="begins_with(SK, :prefix)",
            values={":prefix": {"S": prefix}},
            limit=count,
            consistent=True,
            after=behind,
        )
        return [read_standing(one) for one in found]

    async def due(self, now: float, count: int) -> list[LineState]:
        """One query of the index, and a read a line."""
        found = await self._table.query(
            ("dk", DUE_LINES),
            index="due",
            sort="du <= :now",
            values={":now": _n(now)},
            limit=count,
        )
        states = [await self.state(line_called(one["SK"]["S"])) for one in found]
        return [one for one in states if one is not None and one.due_at <= now]

    async def state(self, line: Line) -> LineState | None:
        """The line, and the mark of its owner."""
        key, counts = line_key(line), counts_key(line.owner)
        found = await self._table.get_many([key, counts])
        item = found.get(key)
        if item is None or "du" not in item:
            return None
        mark = found.get(counts, {}).get(f"q{letter(line.period)}", {"S": ""})["S"]
        return LineState(
            line,
            float(item["du"]["N"]),
            float(item["z"]["N"]),
            int(item["o"]["N"]) if "o" in item else None,
            max(0, int(item.get("k", {"N": "0"})["N"])),
            f"{item.get('g', {'N': '0'})['N']} {mark}",
        )

    async def put_off(self, state: LineState, after: LineState) -> bool:
        """Write over the line as it was read."""
        values: Item = {
            ":due": _n(after.due_at),
            ":released": _n(after.released_at),
            ":was_due": _n(state.due_at),
            ":was": _n(state.released_at),
        }
        expression = "SET du = :due, z = :released"
        if after.most is None:
            expression += " REMOVE o"
        else:
            expression += ", o = :most"
            values[":most"] = _n(after.most)
        written = await self._table.update(
            line_key(state.line), expression, values, "du = :was_due AND z = :was"
        )
        return written.held

    async def close(self, state: LineState) -> bool:
        """Delete the line as it was read, then take the mark off."""
        entered, _, mark = state.mark.partition(" ")
        held = await self._table.delete_if(
            line_key(state.line), "g = :entered", {":entered": {"N": entered}}
        )
        if held and mark:
            name = f"q{letter(state.line.period)}"
            values: Item = {":mark": {"S": mark}}
            key = counts_key(state.line.owner)
            await self._table.update(key, f"REMOVE {name}", values, f"{name} = :mark")
        return held

    async def hurry(self, owner: LimitOwner, now: float) -> None:
        """An update for each of its lines that is there."""
        for period in (*Period, *Rate):
            await self._table.update(
                line_key(Line(owner, period)),
                "SET du = :now",
                {":now": _n(now)},
                "attribute_exists(du)",
            )


def _n(number: float) -> dict[str, str]:
    return {"N": repr(number)}
