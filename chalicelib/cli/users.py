"""`posthorn user`: people who sign in, and operate the installation if they may.

Whoever has the storage in hand makes the first operator: `posthorn user create ada@example.com --admin`.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import click

from chalicelib.cli.commands import Group, changes, clear_option, fields_of, options
from chalicelib.cli.failure import Failure
from chalicelib.cli.passwords import password_from
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import User

VARIABLE = "POSTHORN_PASSWORD"
user_group = Group("user", "Users: people who sign in to the pages.")
user_argument = click.argument("user", metavar="USER")
user_options = options(
    click.option("--first-name", metavar="NAME", help="What people call them."),
    click.option("--last-name", metavar="NAME", help="And their family."),
    click.option("--time-zone", metavar="ZONE", help="An IANA name, as Europe/Berlin."),
    click.option("--admin/--no-admin", default=None, help="Operates the installation."),
)


@user_group.command("create")
@click.argument("email")
@user_options
@click.option(
    "--mail-link", is_flag=True, help="Mail a link to choose a password; else it is asked for."
)
def create(session: Session, mail_link: bool, **given: Any) -> None:
    """Create a user. The password is asked for, or taken from POSTHORN_PASSWORD."""
    body = fields_of(**given)
    if not mail_link:
        body["password"] = _new_password()
    _show(session, session.client.create_user(body))


@user_group.command("list")
@click.option("--search", metavar="TEXT", help="Those whose address or name has it.")
def list_all(session: Session, search: str | None) -> None:
    """List the users of the installation, newest first."""
    found = list(session.client.all_users(q=search))
    rows = [
        (
            each["id"],
            each["email"],
            _name(each),
            yes(each["admin"]),
            yes(_has_factor(each)),
            clock_time(each["last_seen_at"]),
        )
        for each in found
    ]
    titles = ("id", "address", "name", "admin", "second factor", "last seen")
    session.show(found, table(rows, titles))


@user_group.command("show")
@user_argument
def show(session: Session, user: str) -> None:
    """Show a user, by id or address."""
    _show(session, session.client.show_user(user_id(session, user)))


@user_group.command("set")
@user_argument
@user_options
@click.option("--email", help="Another address.")
@click.option("--password", is_flag=True, help="Another password, asked for as by `create`.")
@clear_option("first_name", "last_name", "time_zone", "admin")
def change(
    session: Session, user: str, password: bool, clear: tuple[str, ...], **given: Any
) -> None:
    """Change a user. Another address, password or right signs them out everywhere."""
    found = user_id(session, user)
    if password:
        given["password"] = _new_password()
    _show(session, session.client.change_user(found, changes(clear, **given)))


@user_group.command("remove")
@user_argument
def remove(session: Session, user: str) -> None:
    """Remove a user, with what is theirs alone."""
    session.client.remove_user(user_id(session, user))
    session.show({"removed": user}, visible(f"Removed {user}."))


@user_group.command("sign-out")
@user_argument
def sign_out(session: Session, user: str) -> None:
    """Sign a user out everywhere."""
    session.client.sign_out_user(user_id(session, user))
    session.show({"signed_out": user}, visible(f"{user} is signed out everywhere."))


@user_group.command("reset-factors")
@user_argument
def reset_factors(session: Session, user: str) -> None:
    """Take all second factors from a user who has lost them, and sign them out."""
    session.client.reset_user_factors(user_id(session, user))
    session.show({"reset": user}, visible(f"{user} has no second factor now."))


def user_id(session: Session, named: str) -> str:
    """The id of a user who is named by it, or by the address."""
    if "@" not in named:
        return named
    found = (one for one in session.client.all_users() if one["email"] == named.strip().lower())
    if (user := next(found, None)) is None:
        raise Failure(f"There is no user of the address {named}.")
    return user["id"]


def _new_password() -> str:
    """From the environment, or asked for twice."""
    first = password_from(VARIABLE)
    if os.environ.get(VARIABLE) or not sys.stdin.isatty():
        return first
    if click.prompt("Once more", hide_input=True, err=True) != first:
        raise Failure("The two are not the same.")
    return first


def _name(user: User) -> str:
    return " ".join(part for part in (user["first_name"], user["last_name"]) if part)


def _has_factor(user: User) -> bool:
    return user["totp"] or user["passkeys"] > 0


def _show(session: Session, user: User) -> None:
    pairs = [
        ("User", user["id"]),
        ("Address", user["email"]),
        ("Name", _name(user) or "–"),
        ("Time zone", user["time_zone"]),
        ("Operates the installation", yes(user["admin"])),
        ("Second factor", yes(_has_factor(user))),
        ("Created", clock_time(user["created_at"])),
        ("Last seen", clock_time(user["last_seen_at"])),
    ]
    session.show(user, facts(pairs))
