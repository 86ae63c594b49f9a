"""`posthorn message`: what became of messages, and what a person can do about one."""

from __future__ import annotations

import base64
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from chalicelib.cli.commands import Group, OneOf, naming, server_option
from chalicelib.cli.session import Session
from chalicelib.cli.shapes import shape
from chalicelib.cli.terminal import json_text, moment, table, visible_lines
from chalicelib.cli.timeline import render_timeline
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.queue.message_actions import MessageActions

Action = Callable[[ServerId, MessageId], Coroutine[Any, Any, object]]
FLAGS = ("held", "queued", "failed", "bounced")
LONGEST_SUBJECT = 40


def _find(session: Session, message: str, server: str | None) -> MessageRecord:
    """The server's message of this number or token."""
    owner = session.server(server)
    return session.call(session.posthorn[MessageHistory].record_named(owner.id, message))


named_message = naming(_find, "record", click.argument("message", metavar="ID"), server_option)
message_group = Group("message", "Messages: lists, timelines, raw content, release, cancel, retry.")


@message_group.command("list")
@click.option(
    "--direction",
    type=OneOf(Scope),
    default=Scope.OUTGOING.value,
    show_default=True,
)
@click.option("--flag", type=click.Choice(FLAGS), help="Only these.")
@click.option("--to", "recipient", metavar="ADDRESS", help="Only those for this recipient.")
@click.option("--limit", type=click.IntRange(1, 500), default=30, show_default=True)
@click.option("--cursor", help="Where the page before ended.")
@server_option
def list_page(session: Session, server: str | None, direction: Scope, **chosen: Any) -> None:
    """List messages, newest first."""
    if chosen["flag"] is not None and chosen["recipient"] is not None:
        raise click.UsageError("Give either --flag or --to, not both.")
    owner = session.server(server)
    page = session.call(session.posthorn[MessageHistory].page(owner.id, direction, **chosen))
    rows = [_row(record) for record in page.values]
    text = table(rows, ("id", "received", "status", "to", "subject"))
    if page.next_cursor is not None:
        text += f"\n\nMore: --cursor {page.next_cursor}"
    session.show({"messages": page.values, "next_cursor": page.next_cursor}, text)


@message_group.command("show")
@named_message
def show(session: Session, record: MessageRecord) -> None:
    """Show a message's timeline: accepted, each attempt, what comes next."""
    _show(session, record)


@message_group.command("raw")
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@named_message
def raw(session: Session, output: Path | None, record: MessageRecord) -> None:
    """Print the message's bytes as they were accepted.

    To a file or pipe the bytes are exact. On a terminal, control characters are shown instead of obeyed.
    """
    content = session.call(session.posthorn[MessageHistory].content(record))
    if content is None:
        raise NotFound("The content of this message was removed")
    if session.json:
        encoded = base64.b64encode(content).decode()
        click.echo(json_text({"id": record.message.id, "size": len(content), "raw": encoded}))
    elif output is not None:
        output.write_bytes(content)
    elif sys.stdout.isatty():
        click.echo(visible_lines(content))
    else:
        sys.stdout.buffer.write(content)


@message_group.command("release")
@named_message
def release(session: Session, record: MessageRecord) -> None:
    """Send a held message on."""
    _act(session, record, session.posthorn[MessageActions].release)


@message_group.command("cancel")
@named_message
def cancel(session: Session, record: MessageRecord) -> None:
    """End a message's hold without sending it."""
    _act(session, record, session.posthorn[MessageActions].cancel)


@message_group.command("retry")
@named_message
def retry(session: Session, record: MessageRecord) -> None:
    """Try a waiting, held or failed message again now."""
    _act(session, record, session.posthorn[MessageActions].retry)


def _act(session: Session, record: MessageRecord, verb: Action) -> None:
    """Do something with a message, and show where it stands afterwards."""
    message = record.message
    session.call(verb(message.server_id, message.id))
    history = session.posthorn[MessageHistory]
    _show(session, session.call(history.record(message.server_id, message.id)))


def _show(session: Session, record: MessageRecord) -> None:
    app = session.posthorn
    deliveries = session.call(app[MessageHistory].deliveries(record))
    activity = session.call(app[MessageHistory].activity(record))
    text = render_timeline(record, deliveries, app[Clock].now(), activity)
    hits = {
        "opens": activity.opens,
        "clicks": [{"url": each.url, **shape(each)} for each in activity.clicks],
    }
    session.show({**shape(record), "deliveries": deliveries, **hits}, text)


def _row(record: MessageRecord) -> tuple[str, ...]:
    message = record.message
    subject = message.subject
    if len(subject) > LONGEST_SUBJECT:
        subject = subject[: LONGEST_SUBJECT - 1] + "…"
    return (
        str(message.id),
        moment(message.received_at),
        record.status.value,
        message.rcpt_to,
        subject,
    )
