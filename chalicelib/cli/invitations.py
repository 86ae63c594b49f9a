"""`posthorn invitation`: people invited to an organization."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Group, fields_of
from chalicelib.cli.members import of_organization, role_choice, servers_of, terms_options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible

invitation_group = Group("invitation", "Invitations: people asked to become members.")


@invitation_group.command("create")
@click.argument("email")
@click.option("--role", type=role_choice, required=True, help="What they may.")
@terms_options
@of_organization
def create(session: Session, organization: str, **given: Any) -> None:
    """Invite somebody. The link is mailed; where no mail is sent, it is printed once."""
    made = session.client.create_invitation(fields_of(**given), tenant=organization)
    pairs = [
        ("Invitation", made["id"]),
        ("Address", made["email"]),
        ("Role", made["role"]),
        ("Servers", servers_of(made["servers"])),
        ("Ends", clock_time(made["expires_at"])),
    ]
    link = "" if made["url"] is None else f"\n\nLink, shown this once: {visible(made['url'])}"
    session.show(made, facts(pairs) + link)


@invitation_group.command("list")
@of_organization
def list_all(session: Session, organization: str) -> None:
    """List the invitations that have not ended, newest first."""
    found = list(session.client.all_invitations(tenant=organization))
    rows = [
        (
            each["id"],
            each["email"],
            each["role"],
            each["invited_by"],
            clock_time(each["expires_at"]),
            clock_time(each["accepted_at"]),
        )
        for each in found
    ]
    session.show(found, table(rows, ("id", "address", "role", "by", "ends", "accepted")))


@invitation_group.command("remove")
@click.argument("invitation", metavar="ID")
@of_organization
def remove(session: Session, organization: str, invitation: str) -> None:
    """Withdraw an invitation: its link works no more."""
    session.client.withdraw_invitation(invitation, tenant=organization)
    session.show({"removed": invitation}, visible(f"Withdrew {invitation}."))
