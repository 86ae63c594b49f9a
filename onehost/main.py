"""The entry of the command `posthorn`: what manages an installation, and what sets up and looks after one host.

Commands of the host are loaded when they are used, so that the others, and `--help`, stay fast.
"""

from __future__ import annotations

from collections.abc import Sequence

import click

from chalicelib.cli import main as cli
from chalicelib.cli.loading import OF_THE_API, add_commands
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
    (
        "backups",
        "onehost.commands.backups:backups_group",
        "Dated backups in the folder that the settings name.",
    ),
    ("restore", "onehost.commands.storage:restore_command", "Bring a backup back."),
    ("check", "onehost.commands.storage:check_command", "Check databases and bodies."),
    (
        "certificate",
        "onehost.commands.certificate:certificate_group",
        "Take over a certificate for SMTP.",
    ),
    ("import", "onehost.commands.import_postal:import_group", "Move in from another platform."),
    ("move", "onehost.commands.storage:move_command", "Move to AWS, and back."),
)


def whole_command(*, loaded: bool = False) -> click.Group:
    """The command with what the host adds to it, as far as it is installed; `loaded` with its modules."""
    whole = click.Group(
        "posthorn",
        callback=cli.command.callback,
        params=[CONFIG, STATE, *cli.command.params],
        help=cli.command.help,
        context_settings=cli.command.context_settings,
    )
    add_commands(whole, (*OF_THE_API, *HOST_COMMANDS), loaded=loaded)
    return whole


command = whole_command()


def main(arguments: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Run the command line and return the exit code. `session` lets tests bring their own installation."""
    return cli.main(arguments, session or HostSession(), command)
