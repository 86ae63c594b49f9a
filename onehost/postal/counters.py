"""What Postal counted by hour and day, as counters of ours: once, and later what was added since.

An addition is numbered by the sum of what Postal had counted by then, which only rises: repeated, it counts nothing.
"""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.periods import SECONDS, Period
from chalicelib.domain.postal.rows import number
from chalicelib.domain.statistics import KEPT_SECONDS, Addition, Count, Slot
from chalicelib.ports.clock import Clock
from chalicelib.ports.statistics import Statistics
from onehost.postal.database import Database
from onehost.postal.report import Report
from onehost.postal.tenants import BroughtServer

SOURCE = "postal"
TABLES = {"stats_hourly": Period.HOUR, "stats_daily": Period.DAY}
NAMES = (Count.INCOMING, Count.OUTGOING, Count.SPAM, Count.BOUNCES, Count.HELD)
KEPT_OPEN = 2  # slots of each length that may still be counted in


async def bring_counters(
    program: Posthorn, source: Database, brought: BroughtServer, report: Report
) -> None:
    """Those of a server that are kept here."""
    now, memory = int(program[Clock].now()), brought.memory
    for table, period in TABLES.items():
        oldest = now - KEPT_SECONDS.get(period, now)
        last = memory.mark(table)
        before = {int(key): value for key, value in memory.fields("marks", table).items()}
        open_slots: dict[str, list[int]] = {}
        highest = last
        for row in await source.all(table):
            start = number(row, "time") or 0
            if start < oldest or (start <= last and start not in before):
                continue
            counts = [number(row, name) or 0 for name in NAMES]
            if start > now - KEPT_OPEN * SECONDS[period]:
                open_slots[str(start)] = counts
            else:
                highest = max(highest, start)
            added = _added(counts, before.get(start))
            if added and not report.dry_run:
                addition = Addition(f"{sum(counts):020d}", added)
                slot = Slot(brought.server.id, period, start)
                await program[Statistics].add(SOURCE, slot, [addition])
            report.count("counters", "new" if added else "same")
        await memory.keep_mark(table, highest, open_slots)


def _added(counts: list[int], before: list[int] | None) -> dict[str, int]:
    known = before or [0] * len(counts)
    pairs = zip(NAMES, counts, known, strict=True)
    return {name.value: now - then for name, now, then in pairs if now > then}
