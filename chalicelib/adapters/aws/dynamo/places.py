"""Where configuration lies in the control table.

| Value | PK | SK |
|---|---|---|
| installation | `INSTALLATION` | `A` |
| number counter | `SEQ` | kind |
| organization | `ORGANIZATIONS` | permalink |
| server | `V#<server>` | `A` |
| its name | `O#<organization>` | `V#<permalink>` (number: the server's id) |
| domain | `V#<server>` or `O#<organization>` | `D#<name>` |
| track domain | `V#<server>` | `TD#<domain>` |
| credential | `V#<server>` | `K#<id>` |
| its key | `K#<digest>` | `A` (a second copy, so that a login is one read) |
| its network | `NETWORKS` | `<network>#<server>` (a second copy, so that a client address is one query) |
| egress source | `POOL#<pool>` | name |
| pool that ever had one | `POOLS` | name |

Everything is found by primary key, so every read can be consistent; the table needs no index.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import Key
from chalicelib.domain.engagement import TrackDomain
from chalicelib.domain.tenancy import (
    Credential,
    CredentialKind,
    Domain,
    EgressSource,
    OrganizationId,
    Server,
    ServerId,
)

INSTALLATION: Key = ("INSTALLATION", "A")
ORGANIZATIONS = "ORGANIZATIONS"
NETWORKS = "NETWORKS"
NUMBERS = "SEQ"
POOLS = "POOLS"


def server_key(server: ServerId) -> Key:
    """A server."""
    return f"V#{server}", "A"


def server_name_key(server: Server) -> Key:
    """A server's name within its organization."""
    return f"O#{server.organization_id}", f"V#{server.permalink}"


def owner_partition(organization: OrganizationId, server: ServerId | None) -> str:
    """The partition of a server's, or else an organization's, domains."""
    return f"O#{organization}" if server is None else f"V#{server}"


def domain_key(domain: Domain) -> Key:
    """A domain of its owner."""
    return owner_partition(domain.organization_id, domain.server_id), f"D#{domain.name}"


def track_domain_key(track: TrackDomain) -> Key:
    """The track domain of a server's sending domain."""
    return track_domain_place(track.server_id, track.domain)


def track_domain_place(server: ServerId, domain: str) -> Key:
    """Where the track domain of a server's sending domain lies."""
    return f"V#{server}", f"TD#{domain}"


def credential_key(server: ServerId, credential: str) -> Key:
    """A credential by its public id."""
    return f"V#{server}", f"K#{credential}"


def digest_key(digest: str) -> Key:
    """A credential by the digest of its key."""
    return f"K#{digest}", "A"


def look_up_key(credential: Credential) -> Key:
    """Where the second copy of a credential lies."""
    if credential.kind is CredentialKind.SMTP_IP:
        return NETWORKS, f"{credential.network}#{credential.server_id}"
    return digest_key(credential.digest)


def source_key(source: EgressSource) -> Key:
    """An egress source of its pool."""
    return f"POOL#{source.pool}", source.name
