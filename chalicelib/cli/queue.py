"""`posthorn queue`: what waits, by where it is to go or why."""

from __future__ import annotations

from typing import Literal, get_args

import click

from chalicelib.cli.commands import Group, of_server
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, table

Waits = Literal["queued", "held"]
Grouping = Literal["domain", "reason", "provider"]
queue_group = Group("queue", "The queue: what waits, by destination.")


@queue_group.command("show")
@click.option(
    "--status", type=click.Choice(get_args(Waits)), help="What is counted  [default: queued]."
)
@click.option(
    "--by",
    type=click.Choice(get_args(Grouping)),
    help="What is counted together  [default: domain].",
)
@of_server
def show(session: Session, status: Waits | None, by: Grouping | None, server: str | None) -> None:
    """Show the hundred destinations, reasons or providers for which most waits."""
    found = session.client.show_queue(status=status, by=by, tenant=server)["data"]
    group = by or "domain"
    rows = [
        (
            str(each.get(group, "")),
            str(each["waiting"]),
            str(each["in_progress"]),
            clock_time(each["oldest_at"], ""),
            clock_time(each["next_attempt_at"], ""),
            each["last_reply"] or "",
        )
        for each in found
    ]
    titles = (group, "waiting", "in progress", "oldest", "next attempt", "last reply")
    session.show(found, table(rows, titles))
