"""`posthorn statistics show`, `posthorn server statistics`: what happened to messages, by minute, hour or day."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Literal, cast, get_args

import click

from chalicelib.cli.commands import Command, Group, named_server, of_tenant, options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, iso, table
from posthorn_client.models import (
    Period,
    ServerCounts,
    StatisticsGroup,
    StatisticsSlot,
    WebhookGroup,
)

ALWAYS = frozenset(
    {"outgoing", "sent", "hard_fails"}
)  # columns that are shown though nothing was counted
_SHOWN: tuple[Literal["outgoing"], Literal["sent"], Literal["hard_fails"], Literal["bounces"]] = (
    "outgoing",
    "sent",
    "hard_fails",
    "bounces",
)
GroupBy = Literal[
    "tag",
    "domain",
    "provider",
    "stream",
    "credential",
    "cause",
    "sender_domain",
    "route",
    "webhook",
]
GROUPS = get_args(GroupBy)
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
@click.option("--group-by", type=click.Choice(GROUPS), help="Show groups over the whole range.")
@click.option("--only", help="Count one group alone: tag:welcome, domain:gmail.com, tag:[blank].")
@click.option("--limit", type=click.IntRange(1, 100), help="How many groups  [default: 30].")
@of_tenant
def show(session: Session, tenant: str | None, **wanted: Any) -> None:
    """Count what happened to the messages of a server, or of all servers of an organization.

    Groups are counted by hours and days: with --group-by, minutes are the hours that they touch.
    """
    _show(session, tenant, **wanted)


def _show(
    session: Session,
    tenant: str | None,
    *,
    period: Period,
    since: float | None,
    until: float | None,
    group_by: GroupBy | None = None,
    only: str | None = None,
    limit: int | None = None,
) -> None:
    counted = session.client.show_statistics(
        period=period,
        from_=asked_time(since, session),
        to=asked_time(until, session),
        group_by=group_by,
        only=only,
        limit=limit,
        tenant=tenant,
    )
    session.show(counted, _text(counted) if group_by is None else _groups(counted, group_by))


def asked_time(given: float | None, session: Session) -> str | None:
    """A time as `time` has read it, as the API reads it."""
    if given is None:
        return None
    return iso(given if given >= 0 else max(0.0, session.now() + given))


def _text(counted: ServerCounts) -> str:
    """One row a slot and a last one of sums; columns of nothing are left out, but for the main ones."""
    sums = cast("dict[str, int]", counted["totals"])
    shown = [name for name, number in sums.items() if name in ALWAYS or number]
    slots = cast("list[StatisticsSlot]", counted["data"])
    rows = [
        (
            clock_time(slot["at"]),
            *(str(number) for name, number in slot["counts"].items() if name in shown),
        )
        for slot in slots
    ]
    rows.append(("together", *(str(sums[name]) for name in shown)))
    return table(rows, (counted["period"], *(name.replace("_", " ") for name in shown)))


def _groups(counted: ServerCounts, group_by: GroupBy) -> str:
    """One row a group."""
    if group_by == "webhook":
        webhooks = cast("list[WebhookGroup]", counted["data"])
        rows = [
            (one["group"] or "", str(one["delivered"]), str(one["failed"]), _seconds(one["p95"]))
            for one in webhooks
        ]
        return table(rows, (group_by, "delivered", "failed", "p95"))
    groups = cast("list[StatisticsGroup]", counted["data"])
    rows_of_mail = [
        (
            one["group"] or "-",
            *(str(one["counts"][name]) for name in _SHOWN),
            _percent(one["rates"]["delivered"]),
            _percent(one["rates"]["bounced"]),
            _seconds(one["latency"] and one["latency"]["p95"]),
        )
        for one in groups
    ]
    head = (group_by, *(name.replace("_", " ") for name in _SHOWN))
    return table(rows_of_mail, (*head, "delivered", "bounced", "p95"))


def _percent(part: float | None) -> str:
    return "" if part is None else f"{part:.1%}"


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"
