"""What commands have in common: `--json`, the session as first argument, and options that name what is meant.

Nothing is looked up before the whole command line is understood, so that `--help` and wrong usage need no installation.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import click

from chalicelib.cli.session import Session

Decorator = Callable[[Any], Any]
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


class OneOf(click.Choice[Any]):
    """One of an enumeration of texts."""

    def normalize_choice(self, choice: object, ctx: click.Context | None) -> str:
        return super().normalize_choice(str(choice), ctx)


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


server_option = click.option(
    "--server",
    metavar="ORG/SERVER",
    help="The mail server; may be left out when there is only one.",
)
of_server = naming(Session.server, "server", server_option)
named_server = naming(
    Session.server, "server", click.argument("server", metavar="ORG/SERVER", required=False)
)
reason_option = click.option("--reason", required=True, help="Why, for those who will ask.")
