"""`posthorn server`: mail servers and their options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from chalicelib.cli.commands import (
    NOTHING_TO_CHANGE,
    Group,
    OneOf,
    named_server,
    options,
    reason_option,
)
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import statistics_command
from chalicelib.cli.terminal import facts, moment, table, yes
from chalicelib.domain.tenancy.servers import Server, ServerMode, UnknownOutcome
from chalicelib.services.tenancy.servers import ServerOptions, Servers

NOTHING = "none"


def _limit(text: str) -> int | str:
    """A number, or `none` for no limit."""
    if text != NOTHING and not text.isdecimal():
        raise ValueError(f"{text!r} is neither a number nor `none`.")
    return text if text == NOTHING else int(text)


# What `create` and `set` share; an option that was left out is None.
server_options = options(
    click.option(
        "--mode",
        type=OneOf(ServerMode, case_sensitive=False),
        help="Live sends; Development holds all mail.",
    ),
    click.option("--pool", help="The pool of addresses that its mail leaves from."),
    click.option(
        "--send-limit",
        type=_limit,
        metavar="NUMBER|NONE",
        help="Messages in 60 minutes, or `none`.",
    ),
    click.option("--allow-sender/--no-allow-sender", default=None, help="Let Sender authorise."),
    click.option(
        "--privacy/--no-privacy", "privacy_mode", default=None, help="Hide clients in Received."
    ),
    click.option("--retry-schedule", help="As 1m,5m*2,1h*3, or `none` for the default."),
    click.option(
        "--unknown-outcome",
        type=OneOf(UnknownOutcome),
        help="When a peer may already have a message: send again, or hold.",
    ),
)


def _changed(before: ServerOptions, given: dict[str, Any]) -> ServerOptions:
    """The options with what was given on the command line; `none` clears."""
    values = {name: value for name, value in given.items() if value is not None}
    cleared = {name: None for name, value in values.items() if value == NOTHING}
    return replace(before, **values | cleared)


server_group = Group("server", "Mail servers: each has its own domains, credentials and messages.")


@server_group.command("create")
@click.argument("name")
@click.option("--organization", metavar="ORG", help="May be left out when there is only one.")
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
@click.option("--shards", type=int, help="Parts of its message list, for good: 1 to 16.")
@server_options
def create(
    session: Session, name: str, organization: str | None, permalink: str | None, **given: Any
) -> None:
    """Create a mail server."""
    owner = session.organization(organization)
    chosen = _changed(ServerOptions(), given)
    _show(session, session.call(session.posthorn[Servers].create(owner, name, permalink, chosen)))


@server_group.command("list")
@click.option("--organization", metavar="ORG", help="Only this organization's.")
def list_all(session: Session, organization: str | None) -> None:
    """List the mail servers."""
    if organization is None:
        found = session.servers()
    else:
        found = session.call(session.posthorn[Servers].of(session.organization(organization)))
    rows = [(each.full_name, each.name, _state(each), each.pool) for each in found]
    text = table(rows, ("server", "name", "state", "pool"))
    session.show(found, text)


@server_group.command("show")
@named_server
def show(session: Session, server: Server) -> None:
    """Show one mail server and its options."""
    _show(session, server)


@server_group.command("set")
@named_server
@server_options
def change(session: Session, server: Server, **given: Any) -> None:
    """Change options of a mail server."""
    if all(value is None for value in given.values()):
        raise click.UsageError(NOTHING_TO_CHANGE)
    chosen = _changed(ServerOptions.of(server), given)
    _show(session, session.call(session.posthorn[Servers].update(server, chosen)))


@server_group.command("suspend")
@named_server
@reason_option
def suspend(session: Session, server: Server, reason: str) -> None:
    """Suspend a mail server: its mail is held."""
    _show(session, session.call(session.posthorn[Servers].suspend(server, reason)))


@server_group.command("unsuspend")
@named_server
def unsuspend(session: Session, server: Server) -> None:
    """Lift a mail server's suspension. Mail that was held stays held."""
    _show(session, session.call(session.posthorn[Servers].unsuspend(server)))


server_group.add_command(statistics_command)


def _show(session: Session, server: Server) -> None:
    limit = "none" if server.send_limit is None else f"{server.send_limit} in 60 minutes"
    pairs = [
        ("Server", server.full_name),
        ("Name", server.name),
        ("State", _state(server)),
        ("Token", server.token),
        ("Created", moment(server.created_at)),
        ("Pool", server.pool),
        ("Shards", str(server.shards)),
        ("Send limit", limit),
        ("Allow Sender", yes(server.allow_sender)),
        ("Privacy", yes(server.privacy_mode)),
        ("Retry schedule", server.retry_schedule or "default"),
        ("Unknown outcome", server.unknown_outcome.value),
    ]
    session.show(server, facts(pairs))


def _state(server: Server) -> str:
    if server.suspended_at is not None:
        return f"suspended: {server.suspension_reason}"
    return "organization suspended" if server.organization_suspended else server.mode.value
