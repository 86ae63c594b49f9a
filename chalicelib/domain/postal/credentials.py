"""Credentials of Postal as ours: their keys stay valid, in every way in which a client shows one."""

from __future__ import annotations

import ipaddress

from chalicelib.domain.ids import key_digest
from chalicelib.domain.postal.rows import Row, id_of, mark, moment, text, uuid_of
from chalicelib.domain.postal.tenants import Found, plain_name
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told
from chalicelib.domain.tenancy.credentials import CREDENTIALS, Credential, CredentialKind
from chalicelib.domain.tenancy.servers import Server

HINT_LENGTH = 4
SHORTEST_KEY = 20
NARROWEST = {4: 24, 6: 48}


def credential_of(row: Row, server: Server) -> Found:
    """A credential. The key of one for SMTP is sealed as well, because clients may answer CRAM-MD5 with it."""
    kind, key = text(row, "type"), text(row, "key")
    what = f"credential {text(row, 'name') or ''} ({kind}) of {server.full_name}"
    if kind not in set(CredentialKind) or key is None:
        return None, [refused(what, "its type is not known, or it has no key")]
    notes: list[Note] = []
    network = None
    if kind == CredentialKind.SMTP_IP:
        try:
            network = str(ipaddress.ip_network(key, strict=False))
        except ValueError:
            return None, [refused(what, f"{key} is neither an address nor a network")]
        notes = _of_network(what, network)
    elif len(key) < SHORTEST_KEY:
        notes = [told(what, f"its key is shorter than {SHORTEST_KEY} characters")]
    value = Credential(
        id=id_of(row, "credentials"),
        server_id=server.id,
        kind=CredentialKind(kind),
        name=plain_name(text(row, "name"), kind),
        created_at=moment(row, "created_at") or 0,
        digest="" if network else key_digest(key),
        hint="" if network else key[-HINT_LENGTH:],
        network=network,
        hold=mark(row, "hold"),
        last_used_at=moment(row, "last_used_at"),
    )
    secrets = {"sealed_key": key.encode()} if kind == CredentialKind.SMTP else {}
    row_id = uuid_of(row, "credentials")
    return Wanted("credentials", row_id, what, CREDENTIALS, value, secrets), notes


def _of_network(what: str, network: str) -> list[Note]:
    found = ipaddress.ip_network(network)
    narrowest = NARROWEST[found.version]
    if found.prefixlen >= narrowest:
        return []
    return [
        told(what, f"its network {network} is wider than /{narrowest}, which no new one may be")
    ]
