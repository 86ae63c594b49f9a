"""`posthorn erase`: all that is kept of an address."""

from __future__ import annotations

import click

from chalicelib.cli.commands import Command, of_tenant
from chalicelib.cli.jobs import dry_run_option, report, started, wait_option
from chalicelib.cli.session import Session
from posthorn_client.models import JobToStart


@click.command("erase", cls=Command)
@click.argument("address", metavar="ADDRESS")
@wait_option
@dry_run_option
@of_tenant
def erase(session: Session, address: str, tenant: str | None, no_wait: bool, dry_run: bool) -> None:
    """Erase an address for good: its messages and whatever names it. Prints the signed proof."""
    wanted: JobToStart = {"type": "erase", "address": address}
    if dry_run:
        wanted["dry_run"] = True
    job = started(session, wanted, tenant, waits=not no_wait)
    if job is not None:
        raise SystemExit(report(session, job))
