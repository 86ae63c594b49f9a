"""`posthorn key`: management keys of an organization, or of the installation.

A key is printed once, when it is made.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import click

from chalicelib.cli.commands import Group
from chalicelib.cli.session import Session
from chalicelib.cli.shapes import Shape, shape
from chalicelib.cli.terminal import facts, moment, table, visible
from chalicelib.domain.errors import wrong_field
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.domain.tenancy.networks import network_of
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES, Reach, within
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.servers import Servers

MAKER = "posthorn key"

key_group = Group("key", "Management keys: for programs that manage an organization, or all of it.")
organization_option = click.option(
    "--organization", metavar="ORG", help="Its keys; without it those of the installation."
)
network_option = click.option(
    "--network", "networks", multiple=True, metavar="CIDR", help="From where alone it may be used."
)
expires_option = click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d"]),
    metavar="TIME",
    help="When it ends, as 2027-01-31 or 2027-01-31T12:00:00Z.",
)


@key_group.command("create")
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice([EVERYTHING, *SCOPES]),
    metavar="SCOPE",
    help="What it may, as domains:write; `*` for everything. May be given several times.",
)
@organization_option
@click.option("--only", multiple=True, metavar="SERVER", help="A server that it is limited to.")
@network_option
@expires_option
def create(
    session: Session,
    name: str,
    scopes: tuple[str, ...],
    organization: str | None,
    only: tuple[str, ...],
    networks: tuple[str, ...],
    expires: datetime | None,
) -> None:
    """Create a management key. It is printed once and cannot be read again."""
    owner = _owner(session, organization)
    if only and owner is None:
        raise click.UsageError("--only goes with --organization.")
    reach = Reach.INSTALLATION if owner is None else Reach.ORGANIZATION
    for scope in scopes:
        if scope not in (EVERYTHING, *within(reach)):
            raise wrong_field("scopes", f"A key of an organization cannot have {scope}")
    limit = None
    if owner is not None and only:
        found = [session.call(session.posthorn[Servers].get(owner.permalink, one)) for one in only]
        limit = tuple(one.id for one in found)
    wanted = KeyOptions(scopes, limit, _networks(networks), _seconds(expires))
    number = None if owner is None else owner.id
    made, text = session.call(session.posthorn[ManagementKeys].create(number, name, wanted, MAKER))
    told = _shape(session, made, owner) | {"key": text}
    session.show(told, f"{_facts(told)}\n\nKey, shown this once: {text}")


@key_group.command("list")
@organization_option
def list_all(session: Session, organization: str | None) -> None:
    """List the management keys, newest first."""
    owner = _owner(session, organization)
    keys = session.posthorn[ManagementKeys]
    found = session.call(keys.of(None if owner is None else owner.id))
    rows = [
        (
            each.id,
            each.name,
            f"…{each.hint}",
            " ".join(each.scopes),
            "never" if each.last_used_at is None else moment(each.last_used_at),
        )
        for each in found
    ]
    text = table(rows, ("id", "name", "key", "scopes", "last used"))
    session.show([_shape(session, each, owner) for each in found], text)


@key_group.command("show")
@click.argument("key", metavar="ID")
@organization_option
def show(session: Session, key: str, organization: str | None) -> None:
    """Show a management key."""
    owner = _owner(session, organization)
    told = _shape(session, _found(session, owner, key), owner)
    session.show(told, _facts(told))


@key_group.command("set")
@click.argument("key", metavar="ID")
@click.option("--name", help="Another name.")
@organization_option
@network_option
@expires_option
@click.option(
    "--clear",
    multiple=True,
    type=click.Choice(["networks", "expires_at"]),
    help="Let it be used from everywhere, or without an end.",
)
def change(
    session: Session,
    key: str,
    name: str | None,
    organization: str | None,
    networks: tuple[str, ...],
    expires: datetime | None,
    clear: tuple[str, ...],
) -> None:
    """Change name, networks or end of a management key."""
    owner = _owner(session, organization)
    found = _found(session, owner, key)
    changes: dict[str, Any] = {"name": name} if name else {}
    if networks or "networks" in clear:
        changes["networks"] = _networks(networks)
    if expires or "expires_at" in clear:
        changes["expires_at"] = _seconds(expires)
    keys = session.posthorn[ManagementKeys]
    told = _shape(session, session.call(keys.update(found, **changes)), owner)
    session.show(told, _facts(told))


@key_group.command("revoke")
@click.argument("key", metavar="ID")
@organization_option
def revoke(session: Session, key: str, organization: str | None) -> None:
    """Revoke a management key: whoever uses it is refused within half a minute."""
    found = _found(session, _owner(session, organization), key)
    session.call(session.posthorn[ManagementKeys].revoke(found))
    session.show({"revoked": found.id}, f"Revoked {found.id} ({visible(found.name)}).")


def _owner(session: Session, organization: str | None) -> Organization | None:
    return None if organization is None else session.organization(organization)


def _found(session: Session, owner: Organization | None, key: str) -> ManagementKey:
    number = None if owner is None else owner.id
    return session.call(session.posthorn[ManagementKeys].get(number, key))


def _networks(given: tuple[str, ...]) -> tuple[str, ...]:
    for one in given:
        if network_of(one) is None:
            raise wrong_field("networks", f"{one!r} is no network in CIDR notation")
    return tuple(str(ip_network(one.strip(), strict=False)) for one in given)


def _seconds(moment_given: datetime | None) -> int | None:
    if moment_given is None:
        return None
    seconds = int(moment_given.replace(tzinfo=moment_given.tzinfo or UTC).timestamp())
    if seconds <= time.time():
        raise wrong_field("expires_at", "The key would have ended already")
    return seconds


def _shape(session: Session, key: ManagementKey, owner: Organization | None) -> Shape:
    """The key as the API shows it, its servers by their permalinks."""
    told = shape(key)
    told["organization"] = None if owner is None else owner.permalink
    if owner is not None and key.servers is not None:
        known = session.call(session.posthorn[Servers].of(owner))
        told["servers"] = [one.permalink for one in known if one.id in key.servers]
    return told


def _facts(told: Shape) -> str:
    def listed(name: str, otherwise: str) -> str:
        found = told[name]
        return (
            ", ".join(map(str, found)) if isinstance(found, list | tuple) and found else otherwise
        )

    return facts(
        [
            ("Key", f"{told['id']} …{told['hint']}"),
            ("Name", str(told["name"])),
            ("Of", str(told["organization"] or "the installation")),
            ("Servers", listed("servers", "all")),
            ("Scopes", listed("scopes", "none")),
            ("Networks", listed("networks", "everywhere")),
            ("Ends", str(told["expires_at"] or "never")),
            ("Made by", str(told["created_by"])),
        ]
    )
