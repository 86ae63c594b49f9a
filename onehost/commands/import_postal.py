"""`posthorn import postal`: an installation of Postal 3 brought into this one."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import click

from chalicelib.bootstrap import run
from chalicelib.cli.commands import Group, options
from chalicelib.domain.errors import PermanentFailure
from onehost.commands.place_options import STATE
from onehost.commands.session import HostSession
from onehost.postal.address import read_address
from onehost.postal.files import config_of, signing_key_of
from onehost.postal.run import Import, Source, Wishes
from onehost.storage.progress import Progress

PASSWORD = "POSTHORN_POSTAL_PASSWORD"  # noqa: S105
_FILE = click.Path(dir_okay=False, path_type=Path)

import_group = Group("import", "Move in from another platform.")


@import_group.command("postal", params=[STATE])
@options(
    click.option("--url", required=True, metavar="mysql://…", help="Postal's main database."),
    click.option(
        "--message-url", metavar="mysql://…", help="Its message databases [default: --url]."
    ),
    click.option("--config", "postal", type=_FILE, metavar="FILE", help="Postal's postal.yml."),
    click.option("--signing-key", type=_FILE, metavar="FILE", help="Postal's signing.key."),
    click.option("--history", is_flag=True, help="Bring messages, held ones too, and counters."),
    click.option("--queue", is_flag=True, help="Bring what waits; Postal's workers are stopped."),
    click.option("--replace-key", is_flag=True, help="Put Postal's key in place of ours."),
    click.option("--dry-run", is_flag=True, help="Change nothing: say what would be done."),
)
def import_postal_command(
    session: HostSession,
    url: str,
    message_url: str | None,
    postal: Path | None,
    signing_key: Path | None,
    **wished: bool,
) -> int:
    """Bring an installation of Postal 3, and in a further run what changed there since.

    It may run while both serve. Nothing is removed, and what was changed here stays and is told of. A password that the
    URL lacks comes from POSTHORN_POSTAL_PASSWORD or postal.yml. Exits with 1 when something could not be brought.
    """
    try:
        config = config_of(postal)
        key = None if signing_key is None else signing_key_of(signing_key)
    except OSError as failed:
        raise PermanentFailure(f"{failed.filename}: {failed.strerror}") from failed
    password = os.environ.get(PASSWORD, "") or config.password
    main = read_address(url, password)
    messages = read_address(message_url, password) if message_url else main
    source = Source(main, messages, config, key)
    wishes = Wishes(**wished)
    progress = Progress(functools.partial(click.echo, err=True))
    report = run(Import(session.posthorn, source, wishes, progress).run())
    session.show(report.json(), report.text())
    return 0 if report.is_clean else 1
