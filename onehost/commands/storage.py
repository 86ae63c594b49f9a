"""The commands that look after a state folder: `backup`, `restore` and `check`.

They open no installation, so that they work on a folder that cannot be served.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from chalicelib.adapters.sqlite.folder import sentence_of
from chalicelib.adapters.sqlite.sealing_keys import key_file
from chalicelib.bootstrap import Posthorn
from chalicelib.cli.commands import Command, options
from chalicelib.cli.terminal import iso, moment, visible
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.storage.backup import back_up
from onehost.storage.check import faults
from onehost.storage.progress import Progress
from onehost.storage.restore import Wishes, restore

MOST_FAULTS = 1_000
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("check", cls=Command, params=[CONFIG, STATE])
@click.option("--full", is_flag=True, help="Compare indexes with their tables too.")
def check_command(session: HostSession, full: bool) -> int:
    """Check databases and bodies of the state folder, while it serves or rests.

    Prints one sentence a fault, and exits with 1 when there is one.
    """
    found: list[dict[str, str]] = []
    count = 0
    with plain_failures():
        for fault in faults(session.state_folder, _progress(), full=full):
            count += 1
            if count > MOST_FAULTS:
                continue
            found.append({"place": fault.place, "text": fault.text})
            if not session.json:
                click.echo(f"{visible(fault.text)}.")
    more = f"; the first {MOST_FAULTS} are shown" if count > MOST_FAULTS else ""
    noun = "fault" if count == 1 else "faults"
    session.show({"faults": found, "count": count}, f"{count or 'no'} {noun}{more}")
    return 1 if count else 0


@click.command("backup", cls=Command, params=[CONFIG, STATE])
@click.argument("folder", type=_FOLDER)
def backup_command(session: HostSession, folder: Path) -> int:
    """Save the state folder into FOLDER, while mail is taken and delivered.

    A further backup into the same folder copies only what is new.
    """
    with plain_failures():
        place = session.state_folder
        clock = Posthorn(session.settings, "sqlite")[Clock]
        made = back_up(place, folder.absolute(), clock, _progress())
    size = sum(made.files.values()) + sum(one.size for one in made.databases.values())
    key = key_file(place)
    session.show(
        {
            "folder": str(folder),
            "began_at": iso(made.began_at),
            "ended_at": iso(made.ended_at),
            "bytes": size,
            "missing": list(made.missing),
            "key": str(key) if key.exists() else None,
        },
        f"The backup of {moment(made.began_at)} UTC is in {visible(str(folder))}, {size:,} bytes.\n"
        + _about_key(key),
    )
    _warn(made.missing)
    return 0


@click.command("restore", cls=Command, params=[CONFIG, STATE])
@options(
    click.argument("folder", type=_FOLDER),
    click.option("--resend", is_flag=True, help="Send what waits, though it may have been sent."),
    click.option("--damaged", is_flag=True, help="Restore although bodies are missing or damaged."),
)
def restore_command(session: HostSession, folder: Path, resend: bool, damaged: bool) -> int:
    """Bring a backup back from FOLDER into an empty state folder.

    Put the key file into the state folder first. What waited in the backup may have been sent since, and is held.
    """
    with plain_failures():
        settings = session.settings
        wishes = Wishes(resend, damaged, settings.hold_days)
        now = Posthorn(settings, "sqlite")[Clock].now()
        done = restore(folder.absolute(), session.state_folder, wishes, now, _progress())
    text = f"Restored as of {moment(done.began_at)} UTC."
    if done.held == 1:
        text += "\n1 message that waited is held; `posthorn message release` sends it on."
    elif done.held:
        text += (
            f"\n{done.held} messages that waited are held; `posthorn message release` sends one on."
        )
    shown = {"began_at": iso(done.began_at), "held": done.held, "missing": list(done.missing)}
    session.show(shown, text)
    _warn(done.missing)
    return 0


@click.command("move", cls=Command, params=[CONFIG, STATE])
@options(
    click.option("--to", "to", type=click.Choice(["aws"]), help="Where to."),
    click.option("--from", "origin", type=click.Choice(["aws"]), help="Where from."),
    click.option("--stopped", is_flag=True, help="Nothing serves on AWS any more: bring the rest."),
    click.option("--give-up", is_flag=True, help="Serve here again, though a move was begun."),
)
def move_command(
    session: HostSession, to: str | None, origin: str | None, stopped: bool, give_up: bool
) -> int:
    """Move to AWS, and back: accounts, credentials, keys and all mail.

    It may run while mail is served, and again. What waits comes over in the last run, when nothing serves.
    """
    from onehost.move import places
    from onehost.move.move import NOT_MOVED

    if [bool(to), bool(origin), give_up].count(True) != 1 or (stopped and not origin):
        raise click.UsageError(
            "Say either --to aws, or --from aws with or without --stopped, or --give-up."
        )
    session.check_state_named()
    with plain_failures():
        if give_up:
            places.give_up(session.settings)
            session.show({"given_up": True}, "It may serve here again. What was copied is there.")
            return 0
        if to:
            done = places.move_to_aws(session.settings, _progress())
        else:
            places.move_from_aws(session.settings, _progress(), last=stopped)
            done = stopped
    rest = "stop `posthorn serve`" if to else "stop what serves on AWS, and add --stopped"
    text = (
        f"Everything was moved. {NOT_MOVED}"
        if done
        else f"Copied but for what waits: {rest}, and run it again."
    )
    session.show({"finished": done}, text)
    return 0


def _about_key(key: Path) -> str:
    if key.exists():
        return f"The key is not in it: keep a copy of {visible(str(key))} in another place."
    return "The key is neither in it nor in the state folder: keep a copy of the service's credential in another place."


@contextmanager
def plain_failures() -> Iterator[None]:
    """What the system refuses, as one sentence: no room, no right, an error of the disk."""
    try:
        yield
    except OSError as failed:
        raise PermanentFailure(sentence_of(failed)) from failed


def _progress() -> Progress:
    return Progress(functools.partial(click.echo, err=True))


def _warn(missing: tuple[str, ...]) -> None:
    for name in missing[:MOST_FAULTS]:
        click.echo(f"{visible(name)} was missing already, with bodies of messages.", err=True)
