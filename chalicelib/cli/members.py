"""`posthorn member`: who is a member of an organization, as what."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    fields_of,
    naming,
    options,
    organization_option,
)
from chalicelib.cli.failure import Failure
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import Member, Role

member_group = Group("member", "Members: who may do what in an organization.")


def _organization(session: Session, organization: str | None) -> str:
    return session.organization(organization)


of_organization = naming(_organization, "organization", organization_option)
terms_options = options(
    click.option(
        "--only", "servers", multiple=True, metavar="SERVER", help="A server that they see alone."
    ),
    click.option(
        "--read-content",
        type=click.BOOL,
        metavar="yes|no",
        help="Whether they read what mail says; else as their role has it.",
    ),
)
role_choice = click.Choice(get_args(Role))


@member_group.command("list")
@of_organization
def list_all(session: Session, organization: str) -> None:
    """List the members of an organization, newest first."""
    found = list(session.client.all_members(tenant=organization))
    rows = [
        (
            each["user"],
            each["email"],
            each["name"],
            each["role"],
            servers_of(each["servers"]),
            yes(each["read_content"]),
            yes(each["second_factor"]),
            clock_time(each["last_seen_at"]),
        )
        for each in found
    ]
    titles = "user address name role servers content".split()
    session.show(found, table(rows, (*titles, "second factor", "last seen")))


@member_group.command("add")
@click.argument("email")
@click.option("--role", type=role_choice, required=True, help="What they may.")
@terms_options
@of_organization
def add(session: Session, organization: str, **given: Any) -> None:
    """Make a user a member without inviting them."""
    _show(session, session.client.add_member(fields_of(**given), tenant=organization))


@member_group.command("set")
@click.argument("user", metavar="USER")
@click.option("--role", type=role_choice, help="What they may.")
@terms_options
@clear_option("servers", "read_content")
@of_organization
def change(
    session: Session, organization: str, user: str, clear: tuple[str, ...], **given: Any
) -> None:
    """Change what a member may; USER is an id or address."""
    found = _member(session, organization, user)
    body = changes(clear, **given)
    _show(session, session.client.change_member(found, body, tenant=organization))


@member_group.command("remove")
@click.argument("user", metavar="USER")
@of_organization
def remove(session: Session, organization: str, user: str) -> None:
    """Remove a member, with the invitations that they sent."""
    session.client.remove_member(_member(session, organization, user), tenant=organization)
    session.show({"removed": user}, visible(f"Removed {user}."))


def servers_of(servers: list[str] | None) -> str:
    """The servers that somebody sees, for people."""
    return "all" if servers is None else ", ".join(servers) or "none"


def _member(session: Session, organization: str, named: str) -> str:
    """The user's id of a member who is named by it, or by the address."""
    if "@" not in named:
        return named
    address = named.strip().lower()
    for one in session.client.all_members(tenant=organization):
        if one["email"] == address:
            return one["user"]
    raise Failure(f"{organization} has no member of the address {named}.")


def _show(session: Session, member: Member) -> None:
    pairs = [
        ("User", member["user"]),
        ("Address", member["email"]),
        ("Name", member["name"]),
        ("Role", member["role"]),
        ("Servers", servers_of(member["servers"])),
        ("Reads content", yes(member["read_content"])),
        ("Second factor", yes(member["second_factor"])),
        ("Member since", clock_time(member["created_at"])),
    ]
    session.show(member, facts(pairs))
