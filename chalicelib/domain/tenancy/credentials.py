"""What lets clients in."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import ALL_NETWORKS, of_key, of_server
from chalicelib.domain.tenancy.scopes import OF_A_SERVER_KEY
from chalicelib.domain.tenancy.send_limits import LimitAction, SendLimits


class CredentialKind(StrEnum):
    """Contract section 1.4."""

    SMTP = "SMTP"
    API = "API"
    SMTP_IP = "SMTP-IP"


class BareNewlines(StrEnum):
    """What a credential wants done with bare CR or LF in content."""

    REFUSE = "refuse"
    NORMALISE = "normalise"


@dataclass(frozen=True, slots=True)
class Credential:
    """What lets a client in. Only the digest of the key is kept; `sealed_key` exists only for CRAM-MD5.

    `id` is unique in the installation and never secret. `network` is the CIDR text of an SMTP-IP credential.
    `networks`: CIDR texts from which the key may be used, none for everywhere. `scopes`: what a key of the API may do.
    """

    id: str
    server_id: ServerId
    kind: CredentialKind
    name: str
    created_at: int
    digest: str = ""
    hint: str = ""
    sealed_key: bytes | None = None
    network: str | None = None
    hold: bool = False
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    last_used_at: int | None = None
    last_used_address: str | None = None
    networks: tuple[str, ...] = ()
    expires_at: int | None = None
    scopes: tuple[str, ...] = OF_A_SERVER_KEY
    send_limit: int | None = None
    send_limit_day: int | None = None
    send_limit_month: int | None = None
    send_limit_action: LimitAction = LimitAction.HOLD

    @property
    def limits(self) -> SendLimits:
        """How many messages it may send."""
        return SendLimits(
            self.send_limit, self.send_limit_day, self.send_limit_month, self.send_limit_action
        )

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which `sealed_key` is sealed."""
        return {"item": "credential", "credential": self.id}


def _place_by_key(credential: Credential) -> Place | None:
    of_network = credential.kind is CredentialKind.SMTP_IP
    return None if of_network else Place(of_key(credential.digest))


def _place_by_network(credential: Credential) -> Place | None:
    """All networks are together, so that one query finds those that contain an address."""
    if credential.kind is not CredentialKind.SMTP_IP:
        return None
    return Place(ALL_NETWORKS, f"{credential.network}#{credential.server_id}")


BY_KEY = LookUp("", _place_by_key)
BY_NETWORK = LookUp("", _place_by_network)
CREDENTIALS = Entity(
    Credential,
    "credential",
    place=lambda one: Place(of_server(one.server_id), one.id),
    code="K",
    look_ups=(BY_KEY, BY_NETWORK),
    filters=("kind", "hold"),
    texts=("name",),
    sealed=("sealed_key",),
    audited="credential",
)
