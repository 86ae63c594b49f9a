"""`posthorn stream`: kinds of mail that recipients unsubscribe from one by one."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import Group, changes, clear_option, fields_of, of_server
from chalicelib.cli.rate_limits import RATES, rate_limit_options, rates_text
from chalicelib.cli.send_limits import without_nothing
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, table, visible, yes
from posthorn_client.models import Stream, StreamType

unsubscribe_option = click.option(
    "--unsubscribe/--no-unsubscribe",
    default=None,
    help="Whether its mail gets one-click unsubscribe fields, where it does not say so itself.",
)
stream_group = Group("stream", "Streams: kinds of mail that recipients unsubscribe from.")


@stream_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List the streams of a server; the first two every server has."""
    found = list(session.client.all_streams(tenant=server))
    rows = [(one["name"], one["type"], yes(one["unsubscribe"]), rates_text(one)) for one in found]
    session.show(found, table(rows, ("name", "type", "unsubscribe", "rates that hold")))


@stream_group.command("add")
@click.argument("name")
@click.option(
    "--type",
    type=click.Choice(get_args(StreamType)),
    required=True,
    help="Mail to a broadcast stream gets one-click unsubscribe fields.",
)
@unsubscribe_option
@of_server
def add(session: Session, server: str | None, **given: Any) -> None:
    """Add a stream."""
    body: Any = fields_of(**given)
    _show(session, session.client.create_stream(body, tenant=server))


@stream_group.command("set")
@click.argument("name")
@unsubscribe_option
@rate_limit_options
@clear_option("unsubscribe", *RATES)
@of_server
def change(
    session: Session, name: str, server: str | None, clear: tuple[str, ...], **given: Any
) -> None:
    """Change a stream, for mail that is sent from now on."""
    body: Any = without_nothing(changes(clear, **given))
    _show(session, session.client.change_stream(name, body, tenant=server))


@stream_group.command("remove")
@click.argument("name")
@of_server
def remove(session: Session, name: str, server: str | None) -> None:
    """Remove a stream: mail that names it still goes out."""
    session.client.delete_stream(name, tenant=server)
    session.show({"removed": name}, visible(f"Removed {name}."))


def _show(session: Session, stream: Stream) -> None:
    pairs = [
        ("Stream", stream["name"]),
        ("Type", stream["type"]),
        ("Unsubscribe", yes(stream["unsubscribe"])),
        ("Rates that hold", rates_text(stream)),
    ]
    session.show(stream, facts(pairs))
