"""`posthorn server`: mail servers and their options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from chalicelib.cli.session import Session, json_option, pass_session
from chalicelib.cli.shapes import server_shape
from chalicelib.cli.statistics import statistics_command
from chalicelib.cli.terminal import facts, moment, table, yes
from chalicelib.domain.tenancy.entities import Server, ServerMode, UnknownOutcome
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import ServerOptions, Servers

NOTHING = "none"


class _Limit(click.ParamType[Any]):
    """A number, or `none` for no limit."""

    name = "number|none"

    def convert(self, value: Any, param: Any, ctx: Any) -> int | str:
        if value == NOTHING or isinstance(value, int):
            return value if isinstance(value, int) else NOTHING
        if not str(value).isdecimal():
            self.fail(f"{value!r} is neither a number nor `none`.", param, ctx)
        return int(value)


def option_flags(command: Any) -> Any:
    """The options that `create` and `set` share; those left out are None."""
    flags = (
        click.option(
            "--mode",
            type=click.Choice([each.value for each in ServerMode], case_sensitive=False),
            help="Live sends; Development holds all mail.",
        ),
        click.option("--pool", help="The pool of addresses that its mail leaves from."),
        click.option("--send-limit", type=_Limit(), help="Messages in 60 minutes, or `none`."),
        click.option(
            "--allow-sender/--no-allow-sender", default=None, help="Let Sender authorise."
        ),
        click.option("--privacy/--no-privacy", default=None, help="Hide clients in Received."),
        click.option("--retry-schedule", help="As 1m,5m*2,1h*3, or `none` for the default."),
        click.option(
            "--unknown-outcome",
            type=click.Choice([each.value for each in UnknownOutcome]),
            help="When a peer may already have a message: send again, or hold.",
        ),
    )
    for flag in reversed(flags):
        command = flag(command)
    return command


def changed_options(options: ServerOptions, given: dict[str, Any]) -> ServerOptions:
    """The options with what was given on the command line; `none` clears."""
    names = {"privacy": "privacy_mode"}
    values: dict[str, Any] = {
        names.get(name, name): None if value == NOTHING else value
        for name, value in given.items()
        if value is not None
    }
    if "mode" in values:
        values["mode"] = ServerMode(values["mode"])
    if "unknown_outcome" in values:
        values["unknown_outcome"] = UnknownOutcome(values["unknown_outcome"])
    return replace(options, **values)


@click.group("server")
@json_option
def server_group() -> None:
    """Mail servers: each has its own domains, credentials and messages."""


@server_group.command("create")
@click.argument("name")
@click.option("--organization", metavar="ORG", help="May be left out when there is only one.")
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
@click.option("--shards", type=int, help="Parts of its message list, for good: 1 to 16.")
@option_flags
@json_option
@pass_session
def create(
    session: Session, name: str, organization: str | None, permalink: str | None, **given: Any
) -> None:
    """Create a mail server."""
    owner = session.organization(organization)
    options = changed_options(ServerOptions(), given)
    made = session.call(session.posthorn[Servers].create(owner, name, permalink, options))
    session.show(server_shape(made), _facts(made))


@server_group.command("list")
@click.option("--organization", metavar="ORG", help="Only this organization's.")
@json_option
@pass_session
def list_all(session: Session, organization: str | None) -> None:
    """List the mail servers."""
    owners = (
        session.call(session.posthorn[Organizations].all())
        if organization is None
        else [session.organization(organization)]
    )
    servers = session.posthorn[Servers]
    found = [server for owner in owners for server in session.call(servers.of(owner))]
    rows = [(each.full_name, each.name, _state(each), each.pool) for each in found]
    text = table(rows, ("server", "name", "state", "pool"))
    session.show([server_shape(each) for each in found], text)


@server_group.command("show")
@click.argument("server", metavar="ORG/SERVER", required=False)
@json_option
@pass_session
def show(session: Session, server: str | None) -> None:
    """Show one mail server and its options."""
    found = session.server(server)
    session.show(server_shape(found), _facts(found))


@server_group.command("set")
@click.argument("server", metavar="ORG/SERVER", required=False)
@option_flags
@json_option
@pass_session
def change(session: Session, server: str | None, **given: Any) -> None:
    """Change options of a mail server."""
    found = session.server(server)
    options = changed_options(ServerOptions.of(found), given)
    if options == ServerOptions.of(found) and all(value is None for value in given.values()):
        raise click.UsageError("Nothing to change: name at least one option.")
    changed = session.call(session.posthorn[Servers].update(found, options))
    session.show(server_shape(changed), _facts(changed))


@server_group.command("suspend")
@click.argument("server", metavar="ORG/SERVER", required=False)
@click.option("--reason", required=True, help="Why, for those who will ask.")
@json_option
@pass_session
def suspend(session: Session, server: str | None, reason: str) -> None:
    """Suspend a mail server: its mail is held."""
    found = session.server(server)
    changed = session.call(session.posthorn[Servers].suspend(found, reason))
    session.show(server_shape(changed), _facts(changed))


@server_group.command("unsuspend")
@click.argument("server", metavar="ORG/SERVER", required=False)
@json_option
@pass_session
def unsuspend(session: Session, server: str | None) -> None:
    """Lift a mail server's suspension. Mail that was held stays held."""
    found = session.server(server)
    changed = session.call(session.posthorn[Servers].unsuspend(found))
    session.show(server_shape(changed), _facts(changed))


server_group.add_command(statistics_command)


def _facts(server: Server) -> str:
    limit = "none" if server.send_limit is None else f"{server.send_limit} in 60 minutes"
    return facts(
        [
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
    )


def _state(server: Server) -> str:
    if server.suspended_at is not None:
        return f"suspended: {server.suspension_reason}"
    return "organization suspended" if server.organization_suspended else server.mode.value
