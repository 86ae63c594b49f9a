"""`posthorn organization`: tenants."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    confirm_option,
    fields_of,
    options,
    reason_option,
)
from chalicelib.cli.rate_limits import RATES, rate_limit_options, rates_text
from chalicelib.cli.send_limits import LIMITS, limits_text, send_limit_options, without_nothing
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible
from posthorn_client.models import Organization

# What `create` and `set` share.
organization_options = options(
    click.option("--time-zone", metavar="ZONE", help="An IANA name, as Europe/Berlin."),
    click.option(
        "--pools",
        multiple=True,
        metavar="POOL",
        help="A pool that its servers may have; may be repeated.",
    ),
    send_limit_options,
    rate_limit_options,
)
organization_group = Group("organization", "Organizations: the tenants of the installation.")


@organization_group.command("create")
@click.argument("name")
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
@organization_options
def create(session: Session, **given: Any) -> None:
    """Create an organization, and set the installation up if it is new."""
    _show(session, session.client.create_organization(without_nothing(fields_of(**given))))


@organization_group.command("list")
def list_all(session: Session) -> None:
    """List the organizations, newest first."""
    found = list(session.client.all_organizations())
    rows = [
        (each["permalink"], each["name"], clock_time(each["created_at"]), _state(each))
        for each in found
    ]
    session.show(found, table(rows, ("permalink", "name", "created", "state")))


@organization_group.command("show")
@click.argument("permalink")
def show(session: Session, permalink: str) -> None:
    """Show one organization."""
    _show(session, session.client.show_organization(permalink))


@organization_group.command("set")
@click.argument("permalink")
@click.option("--name", help="Another name.")
@organization_options
@clear_option("time_zone", "pools", *LIMITS, *RATES)
def change(session: Session, permalink: str, clear: tuple[str, ...], **given: Any) -> None:
    """Change an organization."""
    body = without_nothing(changes(clear, **given))
    _show(session, session.client.change_organization(permalink, body))


@organization_group.command("remove")
@click.argument("permalink")
@confirm_option
def remove(session: Session, permalink: str, confirm: str | None) -> None:
    """Delete an organization with all its servers: gone for all at once, its data within a day."""
    session.client.delete_organization(permalink, confirm=confirm)
    session.show({"removed": permalink}, visible(f"Removed {permalink}."))


@organization_group.command("suspend")
@click.argument("permalink")
@reason_option
def suspend(session: Session, permalink: str, reason: str) -> None:
    """Suspend an organization and with it all its servers: their mail is held."""
    _show(session, session.client.suspend_organization(permalink, {"reason": reason}))


@organization_group.command("unsuspend")
@click.argument("permalink")
def unsuspend(session: Session, permalink: str) -> None:
    """Lift an organization's suspension. Mail that was held stays held."""
    _show(session, session.client.unsuspend_organization(permalink))


def _show(session: Session, organization: Organization) -> None:
    pairs = [
        ("Organization", organization["permalink"]),
        ("Name", organization["name"]),
        ("Time zone", organization["time_zone"]),
        ("Pools", ", ".join(organization["pools"])),
        ("Send limits", limits_text(organization)),
        ("Rates that hold", rates_text(organization)),
        ("Created", clock_time(organization["created_at"])),
        ("State", _state(organization)),
    ]
    session.show(organization, facts(pairs))


def _state(organization: Organization) -> str:
    if organization["suspended_at"] is None:
        return "active"
    return f"suspended: {organization['suspension_reason']}"
