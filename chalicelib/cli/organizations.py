"""`posthorn organization`: tenants."""

from __future__ import annotations

import click

from chalicelib.cli.session import Session, json_option, pass_session
from chalicelib.cli.shapes import organization_shape
from chalicelib.cli.terminal import facts, moment, table
from chalicelib.domain.tenancy.entities import Organization
from chalicelib.services.tenancy.installation import Installation
from chalicelib.services.tenancy.organizations import Organizations


@click.group("organization")
@json_option
def organization_group() -> None:
    """Organizations: the tenants of the installation."""


@organization_group.command("create")
@click.argument("name")
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
@json_option
@pass_session
def create(session: Session, name: str, permalink: str | None) -> None:
    """Create an organization, and set the installation up if it is new."""
    session.call(session.posthorn[Installation].ensure())
    made = session.call(session.posthorn[Organizations].create(name, permalink))
    session.show(organization_shape(made), _facts(made))


@organization_group.command("list")
@json_option
@pass_session
def list_all(session: Session) -> None:
    """List the organizations."""
    found = session.call(session.posthorn[Organizations].all())
    rows = [(each.permalink, each.name, moment(each.created_at), _state(each)) for each in found]
    text = table(rows, ("permalink", "name", "created", "state"))
    session.show([organization_shape(each) for each in found], text)


@organization_group.command("show")
@click.argument("permalink")
@json_option
@pass_session
def show(session: Session, permalink: str) -> None:
    """Show one organization."""
    found = session.organization(permalink)
    session.show(organization_shape(found), _facts(found))


@organization_group.command("suspend")
@click.argument("permalink")
@click.option("--reason", required=True, help="Why, for those who will ask.")
@json_option
@pass_session
def suspend(session: Session, permalink: str, reason: str) -> None:
    """Suspend an organization and with it all its servers: their mail is held."""
    changed = session.call(session.posthorn[Organizations].suspend(permalink, reason))
    session.show(organization_shape(changed), _facts(changed))


@organization_group.command("unsuspend")
@click.argument("permalink")
@json_option
@pass_session
def unsuspend(session: Session, permalink: str) -> None:
    """Lift an organization's suspension. Mail that was held stays held."""
    changed = session.call(session.posthorn[Organizations].unsuspend(permalink))
    session.show(organization_shape(changed), _facts(changed))


def _facts(organization: Organization) -> str:
    return facts(
        [
            ("Organization", organization.permalink),
            ("Name", organization.name),
            ("Created", moment(organization.created_at)),
            ("State", _state(organization)),
        ]
    )


def _state(organization: Organization) -> str:
    if organization.suspended_at is None:
        return "active"
    return f"suspended: {organization.suspension_reason}"
