"""`posthorn audit`: who changed what, and whether the log is whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import click

from chalicelib.cli.commands import Group, Instant
from chalicelib.cli.failure import Failure
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.places import Storage
from chalicelib.cli.session import Session
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
@click.option("--since", type=Instant(), metavar="TIME", help="Only from this time on.")
@click.option("--until", type=Instant(), metavar="TIME", help="Only before this time.")
@page_options
def list_all(
    session: Session,
    organization: str | None,
    actor: str | None,
    action: str | None,
    thing: str | None,
    since: str | None,
    until: str | None,
    **paging: Any,
) -> None:
    """List the changes, newest first."""
    show_pages(
        session,
        lambda limit, cursor: session.client.list_audit(
            limit=limit,
            cursor=cursor,
            actor=actor,
            action=action,
            object=thing,
            since=since,
            until=until,
            tenant=organization,
        ),
        ("id", "at", "who", "action", "what"),
        _row,
        **paging,
    )


@audit_group.command("verify")
@organization_option
def verify(session: Session, organization: str | None) -> None:
    """Recompute the chain of hashes: exit code 1 and the first entry that is not as it was written.

    That the newest entries are gone shows in the storage alone.
    """
    entries = list(session.client.all_audit(tenant=organization))
    broken = first_broken(reversed(entries))
    if broken is None and isinstance(session.place, Storage):
        from chalicelib.cli.local.chain import broken_in_storage

        broken = broken_in_storage(session, organization)
    if broken is not None:
        raise Failure(f"The audit log is broken at entry {broken}")
    told = {"entries": len(entries), "broken": None}
    session.show(told, f"All {len(entries)} entries are as written.")


def first_broken(entries: Iterable[AuditEntry]) -> str | None:
    """The id of the first entry, oldest first, whose hash or place in the chain is wrong; None when all are right."""
    before: AuditEntry | None = None
    for entry in entries:
        follows = before is None or (
            entry["previous"] == before["hash"] and int(entry["id"]) == int(before["id"]) + 1
        )
        starts = before is not None or int(entry["id"]) != 1 or entry["previous"] == NO_HASH
        if not (follows and starts and entry["hash"] == _hash_of(entry)):
            return entry["id"]
        before = entry
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
