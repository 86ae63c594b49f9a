"""`posthorn queue`: what waits, by where it is to go."""

from __future__ import annotations

from typing import Literal, get_args

import click

from chalicelib.cli.commands import Group, of_server
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, table

Waits = Literal["queued", "held"]
queue_group = Group("queue", "The queue: what waits, by destination.")


@queue_group.command("show")
@click.option(
    "--status", type=click.Choice(get_args(Waits)), help="What is counted  [default: queued]."
)
@of_server
def show(session: Session, status: Waits | None, server: str | None) -> None:
    """Show the hundred destinations for which most waits."""
    found = session.client.show_queue(status=status, tenant=server)["data"]
    rows = [
        (
            each["domain"],
            str(each["waiting"]),
            str(each["in_progress"]),
            clock_time(each["oldest_at"], ""),
            clock_time(each["next_attempt_at"], ""),
            each["last_reply"] or "",
        )
        for each in found
    ]
    titles = ("domain", "waiting", "in progress", "oldest", "next attempt", "last reply")
    session.show(found, table(rows, titles))
