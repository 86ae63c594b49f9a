"""`posthorn message content` and `attachment`: what is in a message, and its files."""

from __future__ import annotations

from pathlib import Path

import click

from chalicelib.cli.commands import of_server
from chalicelib.cli.messages import id_argument, message_group, write_bytes
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, table, visible, visible_lines
from posthorn_client.models import EmailContent

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
