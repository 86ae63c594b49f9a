"""`posthorn server statistics`: what happened to a server's messages, by minute, hour or day."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import click

from chalicelib.cli.commands import Command, OneOf, named_server
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import iso, moment, table
from chalicelib.domain.statistics import Count, Period, named_counts
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.services.events.statistics import Chart, ServerStatistics

_UNITS = {"m": 60, "h": 3_600, "d": 86_400}
_AGO = re.compile(r"([1-9][0-9]{0,5})([mhd])")


def time(text: str) -> float:
    """A time, or how long ago: epoch seconds, or a negative number of seconds from now. `--help` shows its name."""
    if ago := _AGO.fullmatch(text):
        return -float(int(ago[1]) * _UNITS[ago[2]])
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        fault = f"{text!r} is neither a time nor a span such as 90m, 36h or 7d."
        raise ValueError(fault) from None
    return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())


@click.command("statistics", cls=Command)
@named_server
@click.option(
    "--period",
    type=OneOf(Period),
    default=Period.HOUR.value,
    show_default=True,
    help="How long a slot is.",
)
@click.option("--since", type=time, help="2026-11-22T14:00Z, or how long ago: 90m, 36h, 7d.")
@click.option("--until", type=time, help="As --since; now when left out.")
def statistics_command(
    session: Session, server: Server, period: Period, since: float | None, until: float | None
) -> None:
    """Count what happened to messages: accepted, sent, failed, held, bounced, opened.

    Slots in which nothing was counted are left out. Minutes are kept for two hours, hours for sixty days.
    """
    app = session.posthorn
    now = app[Clock].now()
    chart = session.call(
        app[ServerStatistics].chart([server.id], period, _at(since, now), _at(until, now))
    )
    session.show(_shape(chart), _text(chart))


def _at(given: float | None, now: float) -> float | None:
    """Epoch seconds of a time as `time` reads it."""
    return given if given is None or given >= 0 else max(0.0, now + given)


def _shape(chart: Chart) -> dict[str, object]:
    return {
        "period": chart.period.value,
        "from": iso(chart.first),
        "to": iso(chart.last),
        "totals": named_counts(chart.totals),
        "data": [
            {"at": iso(start), "counts": named_counts(counts)} for start, counts in chart.slots
        ],
    }


def _text(chart: Chart) -> str:
    """One row a slot and a last one of sums; columns of nothing are left out, but for the main ones."""
    sums = chart.totals
    always = {Count.OUTGOING, Count.SENT, Count.HARD_FAILS}
    shown = [count for count in Count if count in always or sums.get(count)]
    rows = [
        (name, *(str(counts.get(count, 0)) for count in shown))
        for name, counts in (
            *((moment(start), counts) for start, counts in chart.slots),
            ("together", sums),
        )
    ]
    return table(rows, (chart.period.value, *(count.value.replace("_", " ") for count in shown)))
