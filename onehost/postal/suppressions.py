"""Suppressions on their way: new rows are listed, and those that Postal renewed; what was taken off here stays off."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.postal.rows import Row, number
from chalicelib.domain.postal.suppressions import suppression_of
from chalicelib.domain.suppression import Change, Name, Suppression
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from onehost.postal.database import Database
from onehost.postal.report import Report
from onehost.postal.tenants import BroughtServer

TABLE = "suppressions"
SLACK = 3_600


async def bring_suppressions(
    program: Posthorn, source: Database, brought: BroughtServer, report: Report
) -> None:
    """Those of a server. Rows up to the highest of the last run were brought before: of these only what was renewed
    since counts, unless it is no longer listed here."""
    now, memory = program[Clock].now(), brought.memory
    mark, since = memory.mark(TABLE), memory.fields("marks", TABLE).get("at", 0.0)
    highest = mark
    async for rows in source.pages(TABLE):
        highest = max(highest, int(rows[-1]["id"]))
        wanted = [(row, found) for row in rows if (found := _wanted(row, now)) is not None]
        names = [Name(one.address) for _, one in wanted]
        there = await program[SuppressionList].get(brought.server.id, names, now)
        changes = []
        for row, one in wanted:
            known = there.get(Name(one.address))
            was_brought = (number(row, "id") or 0) <= mark
            change = _change(one, known, was_brought=was_brought and one.at <= since - SLACK)
            if change is not None:
                changes.append(change)
                report.count(TABLE, "new" if known is None else "changed")
            elif known is None:
                report.count(TABLE, "left")
                report.leave(f"a suppression of {brought.server.full_name}", "it was removed here")
            else:
                report.count(TABLE, "same")
        if changes and not report.dry_run:
            await program[SuppressionList].put_all(brought.server.id, changes, now)
    await memory.keep_mark(TABLE, highest, {"at": now})


def _wanted(row: Row, now: float) -> Suppression | None:
    found = suppression_of(row)
    return found if found is not None and found.keep_until > now else None


def _change(one: Suppression, known: Suppression | None, *, was_brought: bool) -> Change | None:
    if known is None:
        return None if was_brought else Change(one, None)
    after = known.renewed(one)
    return None if after == known else Change(after, known)
