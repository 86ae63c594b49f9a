"""`posthorn message content`, `attachment` and `conversation`: what is in a message, its files, what was said of it."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.cli.commands import of_server
from chalicelib.cli.failure import Failure
from chalicelib.cli.messages import id_argument, message_group, write_bytes
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, table, visible, visible_lines
from posthorn_client.models import Conversation, EmailContent

SHOWN = ("from", "to", "cc", "reply-to", "subject", "date")


@message_group.command("content")
@id_argument
@of_server
def content(session: Session, message: str, server: str | None) -> None:
    """Show what is in a message: main fields, text, attachments."""
    found = session.client.show_content(message, tenant=server)
    session.show(found, _for_people(found))


@message_group.command("attachment")
@id_argument
@click.argument("index", type=click.IntRange(min=0))
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file."
)
@of_server
def attachment(
    session: Session, message: str, index: int, output: Path | None, server: str | None
) -> None:
    """Print the bytes of the attachment that `content` lists under this number."""
    data = session.client.show_attachment(message, str(index), tenant=server)
    write_bytes(data, output)


@message_group.command("conversation")
@id_argument
@click.argument("delivery", type=click.IntRange(min=0), required=False)
@of_server
def conversation(session: Session, message: str, delivery: int | None, server: str | None) -> None:
    """Show what was said in a delivery of a message, the last with a conversation unless one is named."""
    named = str(delivery) if delivery is not None else None
    if named is None:
        log = session.client.list_deliveries(message, tenant=server)["data"]
        attempts = [str(one["id"]) for one in log if one["log_id"] is not None]
        if not attempts:
            raise Failure("There was no attempt yet.")
        named = attempts[-1]
    found = session.client.show_conversation(message, named, tenant=server)
    session.show(found, _said(found))


def _said(found: Conversation) -> str:
    """Hostile text, made visible."""
    head = [("host", f"{visible(found['host'])} ({visible(found['address'])})")]
    head += [
        (name, visible(text))
        for name, text in (("from", found["source"]), ("TLS", found["tls"]))
        if text is not None
    ]
    marks = {"us": ">", "them": "<"}
    lines = [
        f"{one['ms']:>6} ms {marks[one['from']]} {visible(one['text'])}" for one in found["data"]
    ]
    parts = [facts(head), "\n".join(lines)]
    if found["truncated"]:
        parts.append("Lines are left out.")
    return "\n\n".join(parts)


def _for_people(found: EmailContent) -> str:
    """Hostile text, made visible."""
    fields = [
        (visible(one["name"]), visible(one["value"]))
        for one in found["headers"]
        if one["name"].lower() in SHOWN
    ]
    parts = [facts(fields)] if fields else []
    if found["text"] is not None:
        parts.append(visible_lines(found["text"].encode()).rstrip("\n"))
    elif found["html"] is not None:
        parts.append("There is HTML alone; --json shows it.")
    if found["attachments"]:
        rows = [
            (
                str(one["index"]),
                visible(one["filename"] or "–"),
                visible(one["content_type"]),
                str(one["size"]),
            )
            for one in found["attachments"]
        ]
        parts.append(table(rows, ("index", "file", "type", "bytes")))
    if found["truncated"]:
        parts.append("There is more than is shown.")
    return "\n\n".join(parts)
