"""`posthorn statistics show`, `posthorn server statistics`: what happened to messages, by minute, hour or day."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, cast, get_args

import click

from chalicelib.cli.commands import Command, Group, named_server, of_tenant, options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, iso, table
from posthorn_client.models import Period, ServerCounts

ALWAYS = frozenset(
    {"outgoing", "sent", "hard_fails"}
)  # columns that are shown though nothing was counted
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


counting = options(
    click.option(
        "--period",
        type=click.Choice(get_args(Period)),
        default="hour",
        show_default=True,
        help="How long a slot is.",
    ),
    click.option("--since", type=time, help="2026-11-22T14:00Z, or how long ago: 90m, 36h, 7d."),
    click.option("--until", type=time, help="As --since; now when left out."),
)
statistics_group = Group("statistics", "Statistics: what happened to messages.")


@click.command("statistics", cls=Command)
@named_server
@counting
def statistics_command(session: Session, server: str | None, **wanted: Any) -> None:
    """Count what happened to messages: accepted, sent, failed, held, bounced, opened.

    Slots in which nothing was counted are left out. Minutes are kept for two hours, hours for sixty days.
    """
    _show(session, server, **wanted)


@statistics_group.command("show")
@counting
@of_tenant
def show(session: Session, tenant: str | None, **wanted: Any) -> None:
    """Count what happened to the messages of a server, or of all servers of an organization."""
    _show(session, tenant, **wanted)


def _show(
    session: Session,
    tenant: str | None,
    *,
    period: Period,
    since: float | None,
    until: float | None,
) -> None:
    counted = session.client.show_statistics(
        period=period,
        from_=asked_time(since, session),
        to=asked_time(until, session),
        tenant=tenant,
    )
    session.show(counted, _text(counted))


def asked_time(given: float | None, session: Session) -> str | None:
    """A time as `time` has read it, as the API reads it."""
    if given is None:
        return None
    return iso(given if given >= 0 else max(0.0, session.now() + given))


def _text(counted: ServerCounts) -> str:
    """One row a slot and a last one of sums; columns of nothing are left out, but for the main ones."""
    sums = cast("dict[str, int]", counted["totals"])
    shown = [name for name, number in sums.items() if name in ALWAYS or number]
    rows = [
        (
            clock_time(slot["at"]),
            *(str(number) for name, number in slot["counts"].items() if name in shown),
        )
        for slot in counted["data"]
    ]
    rows.append(("together", *(str(sums[name]) for name in shown)))
    return table(rows, (counted["period"], *(name.replace("_", " ") for name in shown)))
