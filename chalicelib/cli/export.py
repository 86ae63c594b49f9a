"""`posthorn export --follow`: what happens at a server as lines of JSON, which can be stopped and gone on with."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import click

from chalicelib.cli.commands import Command, of_server
from chalicelib.cli.following import Following, follow_options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import json_text


@click.command("export", cls=Command)
@click.option("--follow", is_flag=True, required=True, help="Events, until it is stopped.")
@follow_options
@click.option("--cursor", help="Go on behind this place, which the run before has told.")
@of_server
def export_command(
    session: Session,
    server: str | None,
    kind: str | None,
    since: float | None,
    cursor: str | None,
    interval: float,
    polls: int | None,
    follow: bool,
) -> None:
    """Write the events of a server, one JSON object a line, as they happen. When it is stopped, by Ctrl-C or SIGTERM,
    it tells on standard error the cursor to go on with: within a day nothing is missed, and an event that comes twice
    has the same id."""
    if cursor is not None and since is not None:
        raise click.UsageError("Give either --cursor or --since, not both.")
    following = Following(session, server, kind=kind, since=since, cursor=cursor)
    try:
        with _stopped_by_sigterm():
            for event in following.events(interval, polls):
                click.echo(json_text(event, indent=None))
    finally:
        if following.cursor is not None:
            click.echo(f"Go on with --cursor {following.cursor}", err=True)


@contextmanager
def _stopped_by_sigterm() -> Iterator[None]:
    """Have SIGTERM do what Ctrl-C does."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
