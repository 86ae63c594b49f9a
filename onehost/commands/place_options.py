"""`--config` and `--state`: which settings file and which state folder a command is about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from onehost.commands.session import HostSession


def _remembered(name: str) -> Callable[[click.Context, click.Parameter, Path | None], None]:
    def remember(context: click.Context, _parameter: click.Parameter, path: Path | None) -> None:
        if path is not None:
            setattr(context.ensure_object(HostSession), name, path)

    return remember


# These two may stand in front of any command, and behind those of the host.
CONFIG = click.Option(
    ["--config"],
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    expose_value=False,
    callback=_remembered("config"),
    help="The settings file [default: POSTHORN_CONFIG, else /etc/posthorn/posthorn.toml].",
)
STATE = click.Option(
    ["--state"],
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    expose_value=False,
    callback=_remembered("state"),
    help="The state folder of one host, in place of that of the settings.",
)
