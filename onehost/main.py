"""The entry of the command `posthorn`: what manages an installation, and what sets up and looks after one host.

Commands of the host are loaded when they are used, so that the others, and `--help`, stay fast.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import click

from chalicelib.cli import main as cli
from chalicelib.cli.session import Session
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession

# Each command of the host, where it is, and what `posthorn --help` says of it.
HOST_COMMANDS = (
    ("init", "onehost.commands.init:init_command", "Set this host up."),
    ("doctor", "onehost.commands.doctor:doctor_command", "Check what a mail server needs."),
    ("status", "onehost.commands.status:status_command", "Say whether it serves, and what waits."),
    ("serve", "onehost.serve:serve_command", "Take and deliver mail until stopped."),
    ("backup", "onehost.commands.storage:backup_command", "Save the state folder."),
    ("restore", "onehost.commands.storage:restore_command", "Bring a backup back."),
    ("check", "onehost.commands.storage:check_command", "Check databases and bodies."),
    ("move", "onehost.commands.storage:move_command", "Move to AWS, and back."),
)


class LoadedLater(click.Command):
    """A command whose module is loaded when the command is used."""

    def __init__(self, name: str, place: str, short_help: str) -> None:
        super().__init__(name, help=short_help)
        self._place = place

    @property
    def loaded(self) -> click.Command:
        """The command itself."""
        module, _, name = self._place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """A context of the command itself."""
        return self.loaded.make_context(info_name, args, parent, **extra)


def whole_command(*, loaded: bool = False) -> click.Group:
    """The command with what the host adds to it, as far as it is installed; `loaded` with its modules."""
    whole = click.Group(
        "posthorn",
        commands=dict(cli.command.commands),
        callback=cli.command.callback,
        params=[CONFIG, STATE, *cli.command.params],
        help=cli.command.help,
        context_settings=cli.command.context_settings,
    )
    for name, place, short_help in HOST_COMMANDS:
        if find_spec(place.partition(":")[0]) is not None:
            later = LoadedLater(name, place, short_help)
            whole.add_command(later.loaded if loaded else later)
    return whole


command = whole_command()


def main(arguments: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run the command line and return the exit code. `session` lets tests bring their own installation."""
    return cli.main(arguments, session or HostSession(), command)
