"""How long a mail server keeps what it has: the options, and `posthorn server retention`."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Command, named_server, options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts
from posthorn_client.models import Server

RETENTION = (
    "message_retention_days",
    "raw_message_retention_days",
    "raw_message_retention_size",
)


def _or_word(word: str) -> Any:
    def read(
        _context: click.Context, _option: click.Parameter, given: str | None
    ) -> int | str | None:
        if given is None or given == word:
            return given
        if not (given.isascii() and given.isdigit()):
            raise click.BadParameter(f"give a number or `{word}`")
        return int(given)

    return read


retention_options = options(
    click.option(
        "--message-retention-days",
        metavar="DAYS|forever",
        callback=_or_word("forever"),
        help="For how many days messages are kept.",
    ),
    click.option(
        "--raw-message-retention-days",
        metavar="DAYS|forever",
        callback=_or_word("forever"),
        help="For how many days contents are kept; 0: until nothing waits.",
    ),
    click.option(
        "--raw-message-retention-size",
        metavar="MEGABYTES|unlimited",
        callback=_or_word("unlimited"),
        help="How many megabytes of contents are kept; the oldest go first.",
    ),
)


def kept_for(server: Server) -> list[tuple[str, str]]:
    """Lines of a server's facts."""
    days, raw = server["message_retention_days"], server["raw_message_retention_days"]
    size = server["raw_message_retention_size"]
    return [
        ("Messages kept", f"{days} days" if isinstance(days, int) else days),
        ("Contents kept", f"{raw} days" if isinstance(raw, int) else raw),
        ("Contents up to", f"{size:,} MB" if isinstance(size, int) else size),
    ]


@click.command("retention", cls=Command)
@named_server
@retention_options
def retention(session: Session, server: str | None, **given: Any) -> None:
    """Show what the next run would remove, by the server's settings or these. Nothing is done."""
    organization, _, permalink = (server or "").partition("/")
    if not permalink:
        raise click.UsageError("Say which server: ORGANIZATION/SERVER.")
    wanted: dict[str, Any] = {name: one for name, one in given.items() if one is not None}
    found = session.client.show_retention(organization, permalink, **wanted)
    spared = ", ".join(f"{count} {reason}" for reason, count in found["spared"].items())
    rows = [
        ("Messages", f"{found['messages']:,}"),
        ("Contents", f"{found['contents']:,}"),
        ("Bytes", f"{found['bytes']:,}"),
        ("Spared", spared),
    ]
    session.show(found, facts(rows))
