"""`posthorn backups`: what the timer starts, and what a person does with dated backups."""

from __future__ import annotations

import functools

import click

from chalicelib.bootstrap import Posthorn
from chalicelib.cli.commands import Group
from chalicelib.cli.terminal import iso, moment, table, visible
from chalicelib.domain.errors import PermanentFailure
from chalicelib.ports.clock import Clock
from onehost.backups.dated import Dated, all_of
from onehost.backups.notes import Notes, read_notes
from onehost.backups.run import Backups, Outcome
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.commands.storage import plain_failures
from onehost.options import Options, read_options
from onehost.storage.progress import Progress

backups_group = Group("backups", "Dated backups in the folder that the settings name.")


@backups_group.command("run", params=[CONFIG, STATE])
@click.option("--anew", is_flag=True, help="Begin in an empty folder, though it had backups.")
def run_command(session: HostSession, anew: bool) -> int:
    """Make today's backup, remove old ones, call the hook, and prove it where that is due.

    Exits with 1 when any of that failed; what was made before stays.
    """
    with plain_failures():
        done = _backups(session).run(anew=anew)
    return _tell(session, done)


@backups_group.command("prove", params=[CONFIG, STATE])
def prove_command(session: HostSession) -> int:
    """Restore the newest backup in a folder of its own, check it, and remove that again."""
    with plain_failures():
        done = _backups(session).prove()
    return _tell(session, done)


@backups_group.command("list", params=[CONFIG, STATE])
def list_command(session: HostSession) -> int:
    """List the backups that are there, the oldest first."""
    with plain_failures():
        found = all_of(_backups(session).folder)
    notes = read_notes(session.state_folder)
    shown = [
        {
            "name": one.path.name,
            "began_at": iso(one.began_at or None),
            "good": _is_good(one, notes),
            "proven": _is_good(one, notes) and one.path.name == notes.proven,
        }
        for one in found
    ]
    rows = [(one.path.name, _about(one, notes)) for one in found]
    session.show(shown, table(rows, ("name", "")) if rows else "There is no backup yet.")
    return 0


def _is_good(one: Dated, notes: Notes) -> bool:
    return one.is_good and one.path.name not in notes.refused


def _about(one: Dated, notes: Notes) -> str:
    if not one.began_at:
        return "cannot be read"
    if not one.is_good:
        return "lacks bodies"
    if one.path.name in notes.refused:
        return "not good, as a proof found"
    return "proven" if one.path.name == notes.proven else ""


def _backups(session: HostSession) -> Backups:
    clock = Posthorn(session.settings, "sqlite")[Clock]
    progress = Progress(functools.partial(click.echo, err=True))
    return Backups(session.state_folder, _options(session), clock, progress)


def _options(session: HostSession) -> Options:
    try:
        return read_options(session.environment)
    except ValueError as wrong:
        raise PermanentFailure(str(wrong)) from wrong


def _tell(session: HostSession, done: Outcome) -> int:
    shown = {
        "backup": done.taken.path.name if done.taken else None,
        "removed": done.removed,
        "proven": done.proven or None,
        "failures": done.failures,
        "remarks": done.remarks,
    }
    lines = []
    if done.taken:
        began = moment(done.taken.manifest.began_at)
        lines.append(f"The backup of {began} UTC is in {visible(str(done.taken.path))}.")
    if done.removed:
        lines.append(f"Removed: {', '.join(done.removed)}.")
    if done.proven:
        lines.append(f"The backup {done.proven} was restored, and is sound.")
    if session.json or lines:
        session.show(shown, "\n".join(lines))
    for text in (*done.remarks, *done.failures):
        click.echo(f"posthorn: {visible(text)}.", err=True)
    return 1 if done.failures else 0
