"""`posthorn report`: what came back about messages."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import Group, of_server
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time, time
from chalicelib.cli.terminal import clock_time, facts, visible, yes
from posthorn_client.models import Report, ReportKind

report_group = Group("report", "Bounces, delays, complaints and automatic replies to messages.")


@report_group.command("list")
@click.option("--kind", type=click.Choice(get_args(ReportKind)), help="Only these.")
@click.option("--cause", help="Only those for this cause, as recipient_unknown.")
@click.option("--email", type=int, metavar="ID", help="Only those about this message.")
@click.option(
    "--since", type=time, help="Only from then on: a time, or how long ago: 90m, 36h, 7d."
)
@click.option("--until", type=time, help="Only before then; as --since.")
@page_options
@of_server
def list_page(
    session: Session,
    server: str | None,
    since: float | None,
    until: float | None,
    kind: Any,
    cause: str | None,
    email: int | None,
    **paging: Any,
) -> None:
    """List what came back, newest first."""
    begin, end = asked_time(since, session), asked_time(until, session)
    show_pages(
        session,
        lambda limit, cursor: session.client.list_reports(
            limit=limit,
            cursor=cursor,
            kind=kind,
            cause=cause,
            email=email,
            since=begin,
            until=end,
            tenant=server,
        ),
        ("id", "at", "kind", "cause", "email", "recipient"),
        _row,
        **paging,
    )


@report_group.command("show")
@click.argument("report", metavar="ID")
@of_server
def show(session: Session, report: str, server: str | None) -> None:
    """Show one report and what it led to."""
    found = session.client.show_report(report, tenant=server)
    pairs = [
        ("Report", f"{found['id']} ({found['kind']})"),
        ("Came", clock_time(found["at"])),
        ("About", f"message {found['email']}, by {found['matched_by']}"),
        ("With", f"message {found['report_email']}"),
        ("Recipient", visible(found["recipient"] or "")),
        ("Cause", found["cause"] or ""),
        ("Action", visible(found["action"] or "")),
        ("Status", visible(found["status"] or "")),
        ("Diagnostic", visible(found["diagnostic"] or "")),
        ("Remote MTA", visible(found["remote_mta"] or "")),
        ("Feedback", visible(found["feedback_type"] or "")),
        ("Source", visible(found["source_ip"] or "")),
        ("Suppressed", yes(found["suppressed"])),
    ]
    session.show(found, facts([(name, value) for name, value in pairs if value]))


def _row(report: Report) -> tuple[str, ...]:
    return (
        str(report["id"]),
        clock_time(report["at"]),
        report["kind"],
        report["cause"] or "",
        str(report["email"]),
        visible(report["recipient"] or ""),
    )
