"""What commands have in common: `--json`, the session as first argument, and options that name what is meant.

Nothing is looked up before the whole command line is understood, so that `--help` and wrong usage need no installation.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import click

from chalicelib.cli.session import Session

Decorator = Callable[[Any], Any]
MOST_COMPLETED = 500
NOTHING_TO_CHANGE = "Nothing to change: name at least one option."


def _remember(context: click.Context, _parameter: click.Parameter, chosen: bool) -> None:
    if chosen:
        context.ensure_object(Session).json = True


# It may stand at any level of the command line.
JSON = click.Option(
    ["--json"], is_flag=True, expose_value=False, callback=_remember, help="Print JSON."
)


class Command(click.Command):
    """A command with `--json`, which gets the session as its first argument."""

    def __init__(
        self, *, callback: Callable[..., Any], params: list[click.Parameter], **more: Any
    ) -> None:
        with_session = click.make_pass_decorator(Session)(callback)
        super().__init__(callback=with_session, params=[*params, JSON], **more)


class Field(click.Choice[str]):
    """One of some fields of the API; a hyphen is as good as an underscore."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        """The name of the field."""
        return super().normalize_choice(str(choice).replace("-", "_"), ctx)


class Instant(click.ParamType[str]):
    """A time as the API writes it; a day alone begins in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The same time, with an offset."""
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(
                f"{value!r} is no time such as 2027-01-31 or 2027-01-31T12:00:00Z.", param, ctx
            )
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()


class Group(click.Group):
    """The commands of one noun; `--json` may stand before theirs."""

    command_class = Command

    def __init__(self, name: str, text: str) -> None:
        super().__init__(name, help=text, params=[JSON])


def options(*each: Decorator) -> Decorator:
    """Several options as one decorator, in this order in `--help`."""

    def decorate(function: Any) -> Any:
        for option in reversed(each):
            function = option(function)
        return function

    return decorate


def naming(find: Callable[..., Any], passed: str, *each: Decorator) -> Decorator:
    """Options that together name one thing, which the command gets as `passed`: what `find` returns for the session and
    them, its further parameters."""
    _, *names = inspect.signature(find).parameters

    def decorate(function: Any) -> Any:
        @functools.wraps(function)
        def found(session: Session, **given: Any) -> Any:
            named = {name: given.pop(name) for name in names}
            return function(session, **{passed: find(session, **named)}, **given)

        return options(*each)(found)

    return decorate


def complete_server(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """The servers whose names begin so, for the shell; none when nobody can be asked."""
    session = context.find_object(Session) or Session()
    with contextlib.suppress(Exception):
        return [
            one["server"]
            for one in islice(session.client.all_servers(), MOST_COMPLETED)
            if one["server"].startswith(begun)
        ]
    return []


server_option = click.option(
    "--server",
    metavar="ORG/SERVER",
    shell_complete=complete_server,
    help="The mail server; may be left out when there is only one.",
)
organization_option = click.option(
    "--organization", metavar="ORG", help="May be left out when there is only one."
)


def _server(session: Session, server: str | None) -> str | None:
    return session.server(server)


def _named_server(session: Session, server: str | None) -> str | None:
    return session.server(server, "ORG/SERVER behind the command")


of_server = naming(_server, "server", server_option)
named_server = naming(
    _named_server,
    "server",
    click.argument("server", metavar="ORG/SERVER", required=False, shell_complete=complete_server),
)


def _tenant(session: Session, server: str | None, organization: str | None) -> str | None:
    if server is not None and organization is not None:
        raise click.UsageError("Give either --server or --organization, not both.")
    return organization if organization is not None else session.server(server)


of_tenant = naming(
    _tenant,
    "tenant",
    server_option,
    click.option(
        "--organization", metavar="ORG", help="What is the organization's own, not a server's."
    ),
)
confirm_option = click.option(
    "--confirm", metavar="PERMALINK", help="Its permalink once more, so that it is meant."
)
reason_option = click.option("--reason", required=True, help="Why, for those who will ask.")
network_option = click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="From where alone it may be used."
)
expires_option = click.option(
    "--expires",
    "--expires-at",
    "expires_at",
    type=Instant(),
    metavar="TIME",
    help="When it ends, as 2027-01-31 or 2027-01-31T12:00:00Z.",
)


def clear_option(*fields: str) -> Decorator:
    """`--clear FIELD`, which gives fields their defaults again."""
    return click.option(
        "--clear",
        multiple=True,
        type=Field(fields),
        help="Give this field its default again; may be repeated.",
    )


def changes(clear: tuple[str, ...] = (), **given: Any) -> Any:
    """The body of a change: what was given, and null for what is to be cleared. UsageError when that is nothing."""
    body = fields_of(**given)
    if both := sorted(body.keys() & set(clear)):
        raise click.UsageError(f"Give either a value for {both[0]} or --clear {both[0]}, not both.")
    body |= dict.fromkeys(clear)
    if not body:
        raise click.UsageError(NOTHING_TO_CHANGE)
    return body


def fields_of(**given: Any) -> Any:
    """The options that were given, as fields of a body."""
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in given.items()
        if value is not None and value != ()
    }
