"""`posthorn message`: what became of messages, and what a person can do about one."""

from __future__ import annotations

import base64
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import click

from chalicelib.cli.commands import Group, Instant, fields_of, of_server
from chalicelib.cli.endpoints import found_endpoint
from chalicelib.cli.of_many import FLAGS, one_or_many
from chalicelib.cli.older_fields import with_older_delivery, with_older_email, with_older_page
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, json_text, visible_lines
from chalicelib.cli.timeline import render_timeline
from posthorn_client.models import Email, Scope

LONGEST_SUBJECT = 40

id_argument = click.argument("message", metavar="ID")
message_group = Group(
    "message", "Messages: lists, timelines, content; what a person does about one."
)


def with_endpoint_found(command: Callable[..., Any]) -> Callable[..., Any]:
    """An endpoint may be named; the command gets its id."""

    @functools.wraps(command)
    def found(session: Session, server: str | None, endpoint: str | None, **given: Any) -> Any:
        if endpoint is not None:
            endpoint = found_endpoint(session, endpoint, server)["id"]
        return command(session, server=server, endpoint=endpoint, **given)

    return found


@message_group.command("list")
@click.option(
    "--direction", type=click.Choice(get_args(Scope)), default="outgoing", show_default=True
)
@click.option(
    "--q", "-q", metavar="QUERY", help="Only those that a search is for: `invoice status:held`."
)
@click.option(
    "--status",
    "--flag",
    "status",
    type=click.Choice(FLAGS),
    help="Only these; with --to only where there is --q.",
)
@click.option("--to", metavar="ADDRESS", help="Only those for this recipient.")
@click.option(
    "--request",
    "request_",
    type=int,
    metavar="ID",
    help="Only those of one request, by its first message; with neither of the others.",
)
@page_options
@of_server
def list_page(
    session: Session,
    server: str | None,
    limit: int | None,
    cursor: str | None,
    everything: bool,
    **wanted: Any,
) -> None:
    """List messages, newest first, or search for them."""
    if None not in (wanted["status"], wanted["to"]) and wanted["q"] is None:
        raise click.UsageError("Give either --status or --to, not both, or --q beside them.")
    if wanted["request_"] is not None:
        wanted["direction"] = None  # both
    show_pages(
        session,
        lambda limit, cursor: session.client.list_emails(
            limit=limit, cursor=cursor, tenant=server, **wanted
        ),
        ("id", "received", "status", "to", "subject"),
        _row,
        limit=limit,
        cursor=cursor,
        everything=everything,
        told=with_older_page,
    )


@message_group.command("show")
@id_argument
@of_server
def show(session: Session, message: str, server: str | None) -> None:
    """Show a message's timeline: accepted, each attempt, what comes next."""
    _show(session, message, server)


@message_group.command("raw")
@id_argument
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@of_server
def raw(session: Session, message: str, output: Path | None, server: str | None) -> None:
    """Print the message's bytes as they were accepted.

    To a file or pipe the bytes are exact. On a terminal, control characters are shown instead of obeyed.
    """
    content = session.client.show_raw_email(message, tenant=server)
    if session.json:
        number = session.client.show_email(message, tenant=server)["id"]
        encoded = base64.b64encode(content).decode()
        click.echo(json_text({"id": number, "size": len(content), "raw": encoded}))
    else:
        write_bytes(content, output)


@message_group.command("hold")
@of_server
@one_or_many("hold")
def hold(session: Session, message: str, server: str | None) -> None:
    """Hold a waiting message until somebody looks at it, or for 7 days."""
    session.client.hold_email(message, tenant=server)
    _show(session, message, server)


@message_group.command("release")
@of_server
@one_or_many("release")
@click.option(
    "--allow",
    is_flag=True,
    default=None,
    help="Take its recipient off the suppression list first.",
)
@click.option("--note", help="Why, for the audit log.")
def release(session: Session, message: str, server: str | None, **given: Any) -> None:
    """Send a held message on."""
    session.client.release_email(message, fields_of(**given), tenant=server)
    _show(session, message, server)


@message_group.command("cancel")
@of_server
@one_or_many("cancel")
def cancel(session: Session, message: str, server: str | None) -> None:
    """End a held or waiting message without sending it."""
    session.client.cancel_email(message, tenant=server)
    _show(session, message, server)


@message_group.command("reschedule")
@id_argument
@click.argument("time", metavar="TIME|now")
@of_server
def reschedule(session: Session, message: str, time: str, server: str | None) -> None:
    """Send a scheduled message at another time, as 2027-01-31T12:00:00Z, or now."""
    wanted = None if time == "now" else Instant()(time)
    session.client.reschedule_email(message, {"scheduled_at": wanted}, tenant=server)
    _show(session, message, server)


@message_group.command("retry")
@of_server
@one_or_many("retry")
def retry(session: Session, message: str, server: str | None) -> None:
    """Try a waiting, held or failed message again now."""
    session.client.retry_email(message, tenant=server)
    _show(session, message, server)


@message_group.command("bounce")
@of_server
@one_or_many("bounce")
def bounce(session: Session, message: str, server: str | None) -> None:
    """Give up a held or waiting message, as one that failed for good."""
    session.client.bounce_email(message, tenant=server)
    _show(session, message, server)


@message_group.command("replay")
@of_server
@with_endpoint_found
@one_or_many("replay")
@click.option("--endpoint", metavar="ID|NAME", help="To this endpoint, whatever routes say.")
def replay(session: Session, message: str, server: str | None, endpoint: str | None) -> None:
    """Route a received message and hand it on once more, or hand it to another endpoint."""
    session.client.replay_email(message, fields_of(endpoint=endpoint), tenant=server)
    _show(session, message, server)


@message_group.command("resend")
@of_server
@one_or_many("resend")
def resend(session: Session, message: str, server: str | None) -> None:
    """Send the content of a message once more, as a new message to the same recipient."""
    accepted = session.client.resend_email(message, tenant=server)
    session.show(accepted, f"Accepted once more as message {accepted['id']}.")


def write_bytes(content: bytes, output: Path | None) -> None:
    """Write bytes to a file or to where the command prints; on a terminal they are made visible."""
    if output is not None:
        output.write_bytes(content)
    elif sys.stdout.isatty():
        click.echo(visible_lines(content))
    else:
        sys.stdout.buffer.write(content)


def _show(session: Session, message: str, server: str | None) -> None:
    email = session.client.show_email(message, tenant=server)
    deliveries = session.client.list_deliveries(message, tenant=server)["data"]
    told = with_older_email(email) | {"deliveries": [*map(with_older_delivery, deliveries)]}
    session.show(told, render_timeline(email, deliveries, session.now()))


def _row(email: Email) -> tuple[str, ...]:
    subject = email["subject"]
    if len(subject) > LONGEST_SUBJECT:
        subject = subject[: LONGEST_SUBJECT - 1] + "…"
    received = clock_time(email["received_at"])
    return (str(email["id"]), received, email["status"], email["to"], subject)
