"""`posthorn credential`: what lets clients in. A key is printed once, when it is made."""

from __future__ import annotations

from typing import IO, Any, get_args

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    expires_option,
    fields_of,
    network_option,
    of_server,
)
from chalicelib.cli.keys import SCOPES
from chalicelib.cli.send_limits import (
    LIMITS,
    NOTHING,
    limits_text,
    send_limit_options,
    without_nothing,
)
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import BareNewlines, Credential, CredentialKind

LONGEST_KEY_FILE = 1_000
bare_newlines_option = click.option(
    "--bare-newlines",
    type=click.Choice(get_args(BareNewlines)),
    help="What to do with content that has a bare CR or LF  [default: refuse].",
)

credential_group = Group(
    "credential", "Credentials: API keys, SMTP keys, and networks that need no key."
)


@credential_group.command("create")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(get_args(CredentialKind), case_sensitive=False),
    required=True,
    help="API for HTTP, SMTP for AUTH, SMTP-IP for a network.",
)
@click.option(
    "--network",
    "networks",
    multiple=True,
    metavar="CIDR",
    help="SMTP-IP: the address or network. Else: from where alone it may be used; may be repeated.",
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    metavar="SCOPE",
    help="API: what it may; may be repeated.",
)
@click.option("--hold", is_flag=True, default=None, help="Hold every message sent with it.")
@click.option(
    "--cram",
    is_flag=True,
    default=None,
    help="SMTP: allow CRAM-MD5, which keeps the key sealed.",
)
@bare_newlines_option
@send_limit_options
@expires_option
@click.option(
    "--key-file",
    type=click.File("r"),
    help="Keep the existing key in this file (`-`: standard input) instead of making one.",
)
@of_server
def create(
    session: Session,
    kind: CredentialKind,
    networks: tuple[str, ...],
    key_file: IO[str] | None,
    server: str | None,
    **given: Any,
) -> None:
    """Create a credential. Its key is printed once and cannot be read again."""
    body = without_nothing(fields_of(kind=kind, **given))
    if kind != "SMTP-IP":
        body |= fields_of(networks=networks)
    elif len(networks) > 1:
        raise click.UsageError("A credential of the kind SMTP-IP has one network.")
    else:
        body |= fields_of(network=next(iter(networks), None))
    if key_file is not None:
        body["key"] = key_file.read(LONGEST_KEY_FILE).strip()
    made = session.client.create_credential(body, tenant=server)
    told: dict[str, Any] = {name: one for name, one in made.items() if name != "key"}
    text = _facts(made)
    if made["key"] is not None and key_file is None:
        told["key"] = made["key"]
        text += f"\n\nKey, shown this once: {visible(made['key'])}"
    session.show(told, text)


@credential_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List the credentials of a server, newest first."""
    found = list(session.client.all_credentials(tenant=server))
    rows = [
        (
            each["id"],
            each["kind"],
            each["name"],
            each["network"] or f"…{each['hint']}",
            yes(each["hold"]),
            clock_time(each["last_used_at"]),
        )
        for each in found
    ]
    session.show(found, table(rows, ("id", "kind", "name", "key", "hold", "last used")))


@credential_group.command("show")
@click.argument("credential", metavar="ID")
@of_server
def show(session: Session, credential: str, server: str | None) -> None:
    """Show a credential."""
    found = session.client.show_credential(credential, tenant=server)
    session.show(found, _facts(found))


@credential_group.command("set")
@click.argument("credential", metavar="ID")
@click.option("--name", help="Another name.")
@click.option("--hold/--no-hold", default=None, help="Hold every message sent with it.")
@bare_newlines_option
@network_option
@send_limit_options
@expires_option
@clear_option("hold", "bare_newlines", "networks", "expires_at", *LIMITS)
@of_server
def change(
    session: Session, credential: str, clear: tuple[str, ...], server: str | None, **given: Any
) -> None:
    """Change a credential; it acts within half a minute."""
    body = without_nothing(changes(clear, **given))
    found = session.client.change_credential(credential, body, tenant=server)
    session.show(found, _facts(found))


@credential_group.command("revoke")
@click.argument("credential", metavar="ID")
@of_server
def revoke(session: Session, credential: str, server: str | None) -> None:
    """Delete a credential: whoever uses it is refused within half a minute."""
    name = session.client.show_credential(credential, tenant=server)["name"]
    session.client.revoke_credential(credential, tenant=server)
    session.show({"revoked": credential}, visible(f"Revoked {credential} ({name})."))


def _facts(credential: Credential) -> str:
    pairs = [
        ("Credential", credential["id"]),
        ("Kind", credential["kind"]),
        ("Name", credential["name"]),
        ("Network", credential["network"] or ""),
        ("Networks", ", ".join(credential["networks"])),
        ("Scopes", ", ".join(credential["scopes"])),
        ("Holds mail", yes(credential["hold"])),
        ("CRAM-MD5", yes(credential["cram"])),
        ("Bare newlines", credential["bare_newlines"]),
        ("Send limits", limits_text(credential).removeprefix(NOTHING)),
        ("Ends", clock_time(credential["expires_at"], "")),
    ]
    return facts([(name, value) for name, value in pairs if value])
