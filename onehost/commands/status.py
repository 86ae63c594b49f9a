"""`posthorn status`: whether this host serves, and what waits; read from the state folder alone."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version

import click

from chalicelib.cli.commands import Command
from chalicelib.cli.terminal import facts, iso, span, table, visible
from onehost.backups.standing import Standing, standing
from onehost.commands.place_options import CONFIG, STATE
from onehost.commands.session import HostSession
from onehost.storage.condition import Condition, condition

GIB = 1 << 30


@click.command("status", cls=Command, params=[CONFIG, STATE])
def status_command(session: HostSession) -> None:
    """Say whether it serves, and what waits, from the state folder alone."""
    now = time.time()
    session.use_stack()
    found = condition(session.state_folder, now)
    session.show(_shape(session, found, now), _text(session, found, now))


def _release() -> str:
    try:
        return version("posthorn")
    except PackageNotFoundError:
        return "not installed"


def _shape(session: HostSession, found: Condition, now: float) -> dict[str, object]:
    holder = found.serving
    return {
        "serving": holder is not None,
        "pid": holder.pid or None if holder else None,
        "processes": list(holder.processes) if holder else [],
        "started_at": iso(holder.started_at) if holder and holder.started_at else None,
        "uptime": round(now - holder.started_at) if holder and holder.started_at else None,
        "version": _release(),
        "state_folder": str(session.state_folder),
        "waiting": [
            {"pool": one.pool, "messages": one.messages, "oldest": iso(one.oldest)}
            for one in found.waiting
        ],
        "oldest": iso(found.oldest),
        "held": found.held,
        "jobs": found.jobs,
        "servers_not_searchable_yet": found.unsearched,
        "last_hour": {"accepted": found.accepted_last_hour, "delivered": found.delivered_last_hour},
        "backup": _backup(standing(session.state_folder)),
        "bytes": {
            "databases": found.databases,
            "bodies": found.bodies,
            "free": found.room.free,
            "total": found.room.total,
        },
    }


def _text(session: HostSession, found: Condition, now: float) -> str:
    oldest = "" if found.oldest is None else f", the oldest for {span(now - found.oldest)}"
    waiting = sum(one.messages for one in found.waiting)
    pairs = [
        ("Serving", _serving(found, now)),
        ("Version", _release()),
        ("State folder", str(session.state_folder)),
        ("Waiting", f"{waiting}{oldest}"),
        ("Held", str(found.held)),
        ("Jobs", str(found.jobs)),
        *([("Searches", _searches(found))] if found.unsearched else []),
        (
            "Last hour",
            f"{found.accepted_last_hour} accepted, {found.delivered_last_hour} delivered",
        ),
        ("Last backup", _last_backup(standing(session.state_folder), now)),
        ("Databases", f"{found.databases / GIB:.2f} GiB"),
        ("Bodies", f"{found.bodies / GIB:.2f} GiB"),
        ("Free", f"{found.room.free / GIB:.1f} of {found.room.total / GIB:.1f} GiB"),
    ]
    text = facts(pairs)
    if found.waiting:
        rows = [
            (one.pool, str(one.messages), "" if one.oldest is None else span(now - one.oldest))
            for one in found.waiting
        ]
        text += f"\n\n{table(rows, ('pool', 'waiting', 'oldest'))}"
    return text


def _backup(found: Standing) -> dict[str, object]:
    notes = found.notes
    return {
        "began_at": iso(found.last or None),
        "folder": notes.folder or None,
        "tried_at": iso(notes.tried_at or None),
        "failure": notes.failure or None,
        "hooked_at": iso(notes.hooked_at or None),
        "hook_failure": notes.hook_failure or None,
        "proven_at": iso(notes.proven_at or None),
        "proof_failure": notes.proof_failure or None,
    }


def _last_backup(found: Standing, now: float) -> str:
    notes = found.notes
    text = f"{span(now - found.last)} ago" if found.last else "none"
    if notes.tried_at:
        text += f", proven {span(now - notes.proven_at)} ago" if notes.proven_at else ", not proven"
    if notes.hooked_at and not notes.hook_failure:
        text += f", taken away {span(now - notes.hooked_at)} ago"
    return visible(". ".join((text, *found.failures)))


def _searches(found: Condition) -> str:
    return f"search.db is being made, older messages of {found.unsearched} servers are still looked at one by one"


def _serving(found: Condition, now: float) -> str:
    holder = found.serving
    if holder is None:
        return "no"
    since = f", since {span(now - holder.started_at)}" if holder.started_at else ""
    return f"yes, process {holder.pid or 'unknown'} with {len(holder.processes)} more{since}"
