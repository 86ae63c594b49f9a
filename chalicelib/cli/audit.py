"""`posthorn audit`: who changed what, and whether the log is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import click

from chalicelib.cli.commands import Group
from chalicelib.cli.failure import Failure
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.places import Storage
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time, time
from chalicelib.cli.terminal import visible
from posthorn_client.models import AuditEntry

NO_HASH = "0" * 64  # what the first entry of a chain has before it
audit_group = Group("audit", "The audit log: every change of the configuration, and who made it.")
organization_option = click.option(
    "--organization", metavar="ORG", help="Its log; without it the installation's own."
)


@audit_group.command("list")
@organization_option
@click.option("--actor", help="Only changes by this id or name.")
@click.option("--action", help="Only these, as server.update.")
@click.option("--object", "thing", help="Only changes of what has this id or name.")
@click.option(
    "--since", type=time, help="Only from then on: a time, or how long ago: 90m, 36h, 7d."
)
@click.option("--until", type=time, help="Only before then; as --since.")
@page_options
def list_all(
    session: Session,
    organization: str | None,
    actor: str | None,
    action: str | None,
    thing: str | None,
    since: float | None,
    until: float | None,
    **paging: Any,
) -> None:
    """List the changes, newest first."""
    begin, end = asked_time(since, session), asked_time(until, session)
    show_pages(
        session,
        lambda limit, cursor: session.client.list_audit(
            limit=limit,
            cursor=cursor,
            actor=actor,
            action=action,
            object=thing,
            since=begin,
            until=end,
            tenant=organization,
        ),
        ("id", "at", "who", "action", "what"),
        _row,
        **paging,
    )


@audit_group.command("verify")
@organization_option
def verify(session: Session, organization: str | None) -> None:
    """Recompute the chain of hashes: exit code 1 and the first entry that is not as it was written, or is missing.

    That the newest entries are gone shows in the storage alone. Of a key for some servers alone, what it may not see is
    missing.
    """
    entries = list(session.client.all_audit(tenant=organization))
    fault = first_fault(reversed(entries))
    if fault is None and isinstance(session.place, Storage):
        from chalicelib.cli.local.chain import broken_in_storage

        if broken_in_storage(session, organization) is not None:
            fault = Fault(f"{len(entries) + 1:010d}", "is missing")
    told = {
        "entries": len(entries),
        "broken": None if fault is None else fault.id,
        "fault": None if fault is None else fault.text,
    }
    if fault is None:
        session.show(told, f"All {len(entries)} entries are as written.")
        return
    if session.json:
        session.show(told, "")
    raise Failure(f"The audit log is broken: entry {int(fault.id)} {fault.text}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an entry: its id and the rest of a sentence about it."""

    id: str
    text: str


def first_fault(entries: Iterable[AuditEntry]) -> Fault | None:
    """What is wrong with the first entry, oldest first, that is missing, was changed, or does not follow the one before
    it; None when nothing is. A chain begins with 1."""
    previous = NO_HASH
    for number, entry in enumerate(entries, 1):
        if int(entry["id"]) != number:
            return Fault(f"{number:010d}", "is missing")
        if entry["hash"] != _hash_of(entry):
            return Fault(entry["id"], "is not as it was written")
        if entry["previous"] != previous:
            return Fault(entry["id"], "does not follow from the one before it")
        previous = entry["hash"]
    return None


def _hash_of(entry: AuditEntry) -> str:
    """SHA-256 of the RFC 8785 form of an entry without its hash; of numbers it has integers alone, names are ASCII."""
    told = {name: one for name, one in entry.items() if name != "hash"}
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _row(entry: AuditEntry) -> tuple[str, ...]:
    actor, thing = entry["actor"], entry["object"]
    return (
        entry["id"],
        entry["at"],
        visible(actor["name"] or actor["id"] or "nobody"),
        entry["action"],
        visible(thing["name"] or thing["id"]),
    )
