"""The nouns of tenancy as frozen values: organizations, their servers, domains and credentials, and the ways out.

Beside each stands its declaration (`chalicelib.domain.tenancy.entity`), from which it is kept. Times are epoch seconds.
Nothing here validates: borders parse, then these are true.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import (
    ALL_NETWORKS,
    ALL_ORGANIZATIONS,
    THE_INSTALLATION,
    of_domain_owner,
    of_key,
    of_organization,
    of_pool,
    of_server,
)

OrganizationId = NewType("OrganizationId", int)
ServerId = NewType("ServerId", int)


class ServerMode(StrEnum):
    """Contract section 1.3."""

    LIVE = "Live"
    DEVELOPMENT = "Development"


class CredentialKind(StrEnum):
    """Contract section 1.4."""

    SMTP = "SMTP"
    API = "API"
    SMTP_IP = "SMTP-IP"


class BareNewlines(StrEnum):
    """What a credential wants done with bare CR or LF in content."""

    REFUSE = "refuse"
    NORMALISE = "normalise"


class UnknownOutcome(StrEnum):
    """What a server wants when the peer may already have the message (crash matrix rows 6 and 7)."""

    RESEND = "resend"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. `permalink` is unique in the installation."""

    id: OrganizationId
    permalink: str
    name: str
    uuid: str
    created_at: int
    suspended_at: int | None = None
    suspension_reason: str | None = None


ORGANIZATIONS = Entity(
    Organization,
    "organization",
    place=lambda one: Place(ALL_ORGANIZATIONS, one.permalink),
    texts=("permalink", "name"),
)


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server of an organization (contract section 1.3). `token` is in return paths and tracking addresses."""

    id: ServerId
    organization_id: OrganizationId
    organization_permalink: str
    permalink: str
    name: str
    token: str
    uuid: str
    created_at: int
    mode: ServerMode = ServerMode.LIVE
    pool: str = "default"
    shards: int = 1
    send_limit: int | None = None
    allow_sender: bool = False
    privacy_mode: bool = False
    retry_schedule: str | None = None
    unknown_outcome: UnknownOutcome = UnknownOutcome.RESEND
    suspended_at: int | None = None
    suspension_reason: str | None = None
    organization_suspended: bool = False

    @property
    def is_suspended(self) -> bool:
        """True when the server or its organization is suspended (contract section 1.1)."""
        return self.suspended_at is not None or self.organization_suspended

    @property
    def full_name(self) -> str:
        """`{organization}/{server}` as in URLs and SMTP user names."""
        return f"{self.organization_permalink}/{self.permalink}"


BY_PERMALINK: LookUp[Server] = LookUp(
    "V", lambda one: Place(of_organization(one.organization_id), one.permalink), points_to="V"
)
SERVERS = Entity(
    Server,
    "server",
    place=lambda one: Place(of_server(one.id)),
    look_ups=(BY_PERMALINK,),
    listed=BY_PERMALINK,
    filters=("mode", "pool"),
    texts=("permalink", "name"),
)


@dataclass(frozen=True, slots=True)
class DkimKey:
    """A signing key of a domain. `wrapped` is the private key (PKCS#8 DER) sealed by the key vault under `context`;
    `public` is the base64 text of the DNS record's `p=`."""

    domain: str
    selector: str
    algorithm: str  # "rsa-sha256" or "ed25519-sha256"
    wrapped: bytes
    public: str

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which the private key is sealed."""
        return {"item": "dkim", "domain": self.domain, "selector": self.selector}


@dataclass(frozen=True, slots=True)
class Domain:
    """A sending domain, owned by a server or (server_id None) by its organization (contract section 1.5)."""

    name: str
    organization_id: OrganizationId
    server_id: ServerId | None
    uuid: str
    created_at: int
    verification_token: str
    dkim_identifier: str
    keys: tuple[DkimKey, ...] = ()
    verified_at: int | None = None
    dkim_ok: bool = False
    return_path_ok: bool = False
    use_for_any: bool = False


DOMAINS = Entity(
    Domain,
    "domain",
    place=lambda one: Place(of_domain_owner(one.organization_id, one.server_id), one.name),
    code="D",
    filters=("use_for_any",),
    texts=("name",),
    sealed=("keys",),
)


@dataclass(frozen=True, slots=True)
class Credential:
    """What lets a client in. Only the digest of the key is kept; `sealed_key` exists only for CRAM-MD5.

    `id` is unique in the installation and never secret. `network` is the CIDR text of an SMTP-IP credential.
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
)


@dataclass(frozen=True, slots=True)
class Installation:
    """What belongs to the installation as a whole: its fallback signing key and the sealed key of its address
    MACs."""

    signing_key: DkimKey
    sealed_mac_key: bytes

    @property
    def mac_context(self) -> dict[str, str]:
        """The associated data under which `sealed_mac_key` is sealed."""
        return {"item": "address-mac"}


INSTALLATION = Entity(
    Installation,
    "installation",
    place=lambda _: Place(THE_INSTALLATION),
    sealed=("signing_key", "sealed_mac_key"),
)


class EgressKind(StrEnum):
    """How a source reaches the world."""

    DIRECT = "direct"
    SOCKS5 = "socks5"
    SMARTHOST = "smarthost"


@dataclass(frozen=True, slots=True)
class EgressSource:
    """One way out, as data. `address` and `address6` are local addresses to bind (empty: the system's choice);
    `host`/`port` name the SOCKS5 proxy or the smarthost; `username`/`sealed_password` its AUTH."""

    name: str
    pool: str = "default"
    kind: EgressKind = EgressKind.DIRECT
    address: str = ""
    address6: str = ""
    ehlo: str = ""
    priority: int = 100
    host: str = ""
    port: int = 0
    username: str = ""
    sealed_password: bytes | None = None
    tls: str = "opportunistic"  # opportunistic | required | implicit | none
    suspended_until: int = 0

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which `sealed_password` is sealed."""
        return {"item": "egress", "source": self.name}


SOURCES = Entity(
    EgressSource,
    "egress source",
    place=lambda one: Place(of_pool(one.pool), one.name),
    owners="POOLS",
    filters=("kind",),
    texts=("name", "host"),
    sealed=("sealed_password",),
)
