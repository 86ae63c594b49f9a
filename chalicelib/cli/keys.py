"""`posthorn key`: management keys of an organization, or of the installation.

A key is printed once, when it is made.
"""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    expires_option,
    fields_of,
    network_option,
)
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible
from posthorn_client.models import ManagementKey

SCOPES = (
    "*",
    "emails:send",
    "emails:read",
    "emails:write",
    "domains:read",
    "domains:write",
    "routing:read",
    "routing:write",
    "webhooks:read",
    "webhooks:write",
    "suppressions:read",
    "suppressions:write",
    "statistics:read",
    "servers:read",
    "servers:write",
    "people:read",
    "people:write",
    "audit:read",
    "installation:read",
    "installation:write",
)
key_group = Group("key", "Management keys: for programs that manage an organization, or all of it.")
organization_option = click.option(
    "--organization", metavar="ORG", help="Its keys; without it those of the installation."
)


@key_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    metavar="SCOPE",
    help="What it may, as domains:write; `*` for everything. May be given several times.",
)
@organization_option
@click.option(
    "--only", "servers", multiple=True, metavar="SERVER", help="A server that it is limited to."
)
@network_option
@expires_option
def create(session: Session, organization: str | None, **given: Any) -> None:
    """Create a management key. It is printed once and cannot be read again."""
    if given["servers"] and organization is None:
        raise click.UsageError("--only goes with --organization.")
    made = session.client.create_key(fields_of(**given), tenant=organization)
    session.show(made, f"{_facts(made)}\n\nKey, shown this once: {visible(made['key'])}")


@key_group.command("list")
@organization_option
def list_all(session: Session, organization: str | None) -> None:
    """List the management keys, newest first."""
    found = list(session.client.all_keys(tenant=organization))
    rows = [
        (
            each["id"],
            each["name"],
            f"…{each['hint']}",
            " ".join(each["scopes"]),
            _servers(each),
            _networks(each),
            clock_time(each["expires_at"]),
            clock_time(each["last_used_at"]),
        )
        for each in found
    ]
    titles = ("id", "name", "key", "scopes", "servers", "networks", "ends", "last used")
    session.show(found, table(rows, titles))


@key_group.command("show")
@click.argument("key", metavar="ID")
@organization_option
def show(session: Session, key: str, organization: str | None) -> None:
    """Show a management key."""
    found = session.client.show_key(key, tenant=organization)
    session.show(found, _facts(found))


@key_group.command("set")
@click.argument("key", metavar="ID")
@click.option("--name", help="Another name.")
@organization_option
@network_option
@expires_option
@clear_option("networks", "expires_at")
def change(
    session: Session, key: str, organization: str | None, clear: tuple[str, ...], **given: Any
) -> None:
    """Change name, networks or end of a management key."""
    found = session.client.change_key(key, changes(clear, **given), tenant=organization)
    session.show(found, _facts(found))


@key_group.command("revoke")
@click.argument("key", metavar="ID")
@organization_option
def revoke(session: Session, key: str, organization: str | None) -> None:
    """Revoke a management key: whoever uses it is refused within half a minute."""
    name = session.client.show_key(key, tenant=organization)["name"]
    session.client.revoke_key(key, tenant=organization)
    session.show({"revoked": key}, visible(f"Revoked {key} ({name})."))


def _facts(key: ManagementKey) -> str:
    return facts(
        [
            ("Key", f"{key['id']} …{key['hint']}"),
            ("Name", key["name"]),
            ("Of", key["organization"] or "the installation"),
            ("Servers", _servers(key)),
            ("Scopes", ", ".join(key["scopes"]) or "none"),
            ("Networks", _networks(key)),
            ("Ends", clock_time(key["expires_at"])),
            ("Made by", key["created_by"]),
        ]
    )


def _servers(key: ManagementKey) -> str:
    servers = key["servers"]
    return "all" if servers is None else ", ".join(servers) or "none"


def _networks(key: ManagementKey) -> str:
    return ", ".join(key["networks"]) or "everywhere"
