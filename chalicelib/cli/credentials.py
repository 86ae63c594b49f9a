"""`posthorn credential`: what lets clients in. A key is printed once, when it is made."""

from __future__ import annotations

from typing import IO, Any

import click

from chalicelib.cli.commands import Group, OneOf, of_server
from chalicelib.cli.session import Session
from chalicelib.cli.shapes import shape
from chalicelib.cli.terminal import facts, moment, table, visible, yes
from chalicelib.domain.tenancy.credentials import BareNewlines, Credential, CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials

LONGEST_KEY_FILE = 1_000


credential_group = Group(
    "credential", "Credentials: API keys, SMTP keys, and networks that need no key."
)


@credential_group.command("create")
@click.argument("name")
@click.option(
    "--kind",
    type=OneOf(CredentialKind, case_sensitive=False),
    required=True,
    help="API for HTTP, SMTP for AUTH, SMTP-IP for a network.",
)
@click.option("--network", metavar="CIDR", help="SMTP-IP: the address or network.")
@click.option("--hold", is_flag=True, help="Hold every message sent with it.")
@click.option("--cram", is_flag=True, help="SMTP: allow CRAM-MD5, which keeps the key sealed.")
@click.option(
    "--bare-newlines",
    type=OneOf(BareNewlines),
    default=BareNewlines.REFUSE.value,
    show_default=True,
    help="What to do with content that has a bare CR or LF.",
)
@click.option(
    "--key-file",
    type=click.File("r"),
    help="Keep the existing key in this file (`-`: standard input) instead of making one.",
)
@of_server
def create(
    session: Session,
    name: str,
    kind: CredentialKind,
    key_file: IO[str] | None,
    server: Server,
    **given: Any,
) -> None:
    """Create a credential. Its key is printed once and cannot be read again."""
    options = CredentialOptions(**given)
    credentials = session.posthorn[Credentials]
    key: str | None = None
    if key_file is not None:
        known = key_file.read(LONGEST_KEY_FILE).strip()
        made = session.call(credentials.import_key(server, kind, name, known, options))
    else:
        made, key = session.call(credentials.create(server, kind, name, options))
    told = shape(made)
    text = _facts(made)
    if key is not None and kind is not CredentialKind.SMTP_IP:
        told["key"] = key
        text += f"\n\nKey, shown this once: {key}"
    session.show(told, text)


@credential_group.command("list")
@of_server
def list_all(session: Session, server: Server) -> None:
    """List the credentials of a server."""
    found = session.call(session.posthorn[Credentials].of(server))
    rows = [
        (
            each.id,
            each.kind.value,
            each.name,
            each.network or f"…{each.hint}",
            yes(each.hold),
            "never" if each.last_used_at is None else moment(each.last_used_at),
        )
        for each in found
    ]
    text = table(rows, ("id", "kind", "name", "key", "hold", "last used"))
    session.show(found, text)


@credential_group.command("revoke")
@click.argument("credential", metavar="ID")
@of_server
def revoke(session: Session, credential: str, server: Server) -> None:
    """Delete a credential: whoever uses it is refused within half a minute."""
    gone = session.call(session.posthorn[Credentials].revoke(server, credential))
    session.show({"revoked": gone.id}, f"Revoked {gone.id} ({visible(gone.name)}).")


def _facts(credential: Credential) -> str:
    pairs = [
        ("Credential", credential.id),
        ("Kind", credential.kind.value),
        ("Name", credential.name),
        ("Network", credential.network or ""),
        ("Holds mail", yes(credential.hold)),
        ("CRAM-MD5", yes(credential.sealed_key is not None)),
        ("Bare newlines", credential.bare_newlines.value),
    ]
    return facts([(name, value) for name, value in pairs if value])
