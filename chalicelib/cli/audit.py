"""`posthorn audit`: who changed what, and whether the log is whole."""

from __future__ import annotations

import click

from chalicelib.cli.commands import Group
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import table, visible
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.tenancy.audit import AuditEntry
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter

audit_group = Group("audit", "The audit log: every change of the configuration, and who made it.")
organization_option = click.option(
    "--organization", metavar="ORG", help="Its log; without it the installation's own."
)


@audit_group.command("list")
@organization_option
@click.option("--actor", help="Only changes by this id or name.")
@click.option("--action", help="Only these, as server.update.")
@click.option("--object", "thing", help="Only changes of what has this id or name.")
@click.option("--limit", type=click.IntRange(1, MOST_LISTED), default=30, show_default=True)
@click.option("--cursor", help="The `next_cursor` of the page before.")
def list_all(
    session: Session,
    organization: str | None,
    actor: str | None,
    action: str | None,
    thing: str | None,
    limit: int,
    cursor: str | None,
) -> None:
    """List the newest changes."""
    wanted = EntryFilter(actor, action, thing)
    log, chain = session.posthorn[AuditLog], _chain(session, organization)
    page = session.call(log.page(chain, wanted, limit, cursor))
    told = {
        "data": [one.told for one in page.values],
        "has_more": page.next_cursor is not None,
        "next_cursor": page.next_cursor,
    }
    text = table([_row(one) for one in page.values], ("id", "at", "who", "action", "what"))
    session.show(told, text)


@audit_group.command("verify")
@organization_option
def verify(session: Session, organization: str | None) -> None:
    """Recompute the chain of hashes: exit code 1 and the first entry that is not as it was written."""
    log, chain = session.posthorn[AuditLog], _chain(session, organization)
    entries, broken = session.call(log.first_broken(chain))
    if broken is not None:
        raise PermanentFailure(f"The audit log is broken at entry {broken}")
    session.show({"entries": entries, "broken": None}, f"All {entries} entries are as written.")


def _chain(session: Session, organization: str | None) -> OrganizationId | None:
    return None if organization is None else session.organization(organization).id


def _row(entry: AuditEntry) -> tuple[str, ...]:
    return (
        f"{entry.number:010d}",
        entry.at,
        visible(entry.actor_name or entry.actor_id or "nobody"),
        entry.action,
        visible(entry.object_name or entry.object_id),
    )
