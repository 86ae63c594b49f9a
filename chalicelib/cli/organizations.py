"""`posthorn organization`: tenants."""

from __future__ import annotations

import click

from chalicelib.cli.commands import Group, reason_option
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import facts, moment, table
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations

organization_group = Group("organization", "Organizations: the tenants of the installation.")


@organization_group.command("create")
@click.argument("name")
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
def create(session: Session, name: str, permalink: str | None) -> None:
    """Create an organization, and set the installation up if it is new."""
    session.call(session.posthorn[Installation].ensure())
    _show(session, session.call(session.posthorn[Organizations].create(name, permalink)))


@organization_group.command("list")
def list_all(session: Session) -> None:
    """List the organizations."""
    found = session.call(session.posthorn[Organizations].all())
    rows = [(each.permalink, each.name, moment(each.created_at), _state(each)) for each in found]
    text = table(rows, ("permalink", "name", "created", "state"))
    session.show(found, text)


@organization_group.command("show")
@click.argument("permalink")
def show(session: Session, permalink: str) -> None:
    """Show one organization."""
    _show(session, session.organization(permalink))


@organization_group.command("suspend")
@click.argument("permalink")
@reason_option
def suspend(session: Session, permalink: str, reason: str) -> None:
    """Suspend an organization and with it all its servers: their mail is held."""
    _show(session, session.call(session.posthorn[Organizations].suspend(permalink, reason)))


@organization_group.command("unsuspend")
@click.argument("permalink")
def unsuspend(session: Session, permalink: str) -> None:
    """Lift an organization's suspension. Mail that was held stays held."""
    _show(session, session.call(session.posthorn[Organizations].unsuspend(permalink)))


def _show(session: Session, organization: Organization) -> None:
    pairs = [
        ("Organization", organization.permalink),
        ("Name", organization.name),
        ("Created", moment(organization.created_at)),
        ("State", _state(organization)),
    ]
    session.show(organization, facts(pairs))


def _state(organization: Organization) -> str:
    if organization.suspended_at is None:
        return "active"
    return f"suspended: {organization.suspension_reason}"
