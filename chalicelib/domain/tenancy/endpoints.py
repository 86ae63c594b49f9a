"""Endpoints: where routes send mail."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from chalicelib.domain.destination_guard import literal_address
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import of_endpoint_names, of_server
from chalicelib.domain.tenancy.sources import EgressKind, EgressSource


class EndpointType(StrEnum):
    """What an endpoint is (api.md 2.8)."""

    HTTP = "http"
    SMTP = "smtp"
    ADDRESS = "address"


class PayloadFormat(StrEnum):
    """What is posted to an HTTP endpoint (api.md 2.18, contract 5A)."""

    V2 = "v2"
    HASH = "Hash"
    RAW_MESSAGE = "RawMessage"


class PayloadEncoding(StrEnum):
    """How it is posted."""

    JSON = "BodyAsJSON"
    FORM = "FormData"


class SslMode(StrEnum):
    """How an SMTP endpoint is spoken to."""

    NONE = "None"
    AUTO = "Auto"
    STARTTLS = "STARTTLS"
    TLS = "TLS"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint of a server (api.md 2.8, contract section 1.8). Fields of other types than its own have their
    defaults. `url` has no user-info; that is sealed in `sealed_user_info`. `sealed_old_secret` signs too until
    `old_secret_until` (epoch seconds)."""

    id: str
    server_id: ServerId
    uuid: str
    type: EndpointType
    name: str
    created_at: int
    url: str = ""
    sealed_user_info: bytes | None = None
    format: PayloadFormat = PayloadFormat.V2
    encoding: PayloadEncoding = PayloadEncoding.JSON
    strip_replies: bool = False
    include_attachments: bool = True
    timeout: int = 5
    sealed_secret: bytes | None = None
    sealed_old_secret: bytes | None = None
    old_secret_until: int | None = None
    hostname: str = ""
    port: int = 25
    ssl_mode: SslMode = SslMode.AUTO
    username: str | None = None
    sealed_password: bytes | None = None
    address: str = ""
    enabled: bool = True
    disabled_reason: str | None = None
    disabled_at: int | None = None  # by itself, as the reason says
    last_used_at: int | None = None

    @property
    def host(self) -> str:
        """Where what is handed to it goes: the host of the URL or the server, or the domain of the address."""
        if self.type is EndpointType.HTTP:
            return (urlsplit(self.url).hostname or "").lower()
        return (self.hostname or self.address.rpartition("@")[2]).lower()

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which its secrets are sealed."""
        return _context(self.id)


@dataclass(frozen=True, slots=True)
class EndpointSource(EgressSource):
    """An SMTP endpoint as a way out: the server that mail is handed to, with its AUTH. It serves one customer, so it is
    tried each time."""

    endpoint: str = ""

    @property
    def is_left_alone(self) -> bool:
        """Never."""
        return False

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which the password is sealed."""
        return _context(self.endpoint)


def source_of(endpoint: Endpoint) -> EndpointSource:
    """The way to an SMTP endpoint. Its name tells it from what the endpoint was before it was changed, so that no
    session is kept from then."""
    literal = literal_address(endpoint.hostname)
    told = (endpoint.hostname, endpoint.port, endpoint.ssl_mode, endpoint.username)
    return EndpointSource(
        f"endpoint {endpoint.id} {told}",
        kind=EgressKind.SMARTHOST,
        host=endpoint.hostname if literal is None else str(literal),
        port=endpoint.port,
        username=endpoint.username or "",
        sealed_password=endpoint.sealed_password,
        tls=endpoint.ssl_mode.value,
        endpoint=endpoint.id,
    )


def _context(endpoint: str) -> dict[str, str]:
    return {"item": "endpoint", "endpoint": endpoint}


def _by_name(endpoint: Endpoint) -> Place:
    return Place(of_endpoint_names(endpoint.server_id), f"N {endpoint.name}")


def _by_address(endpoint: Endpoint) -> Place | None:
    if endpoint.type is not EndpointType.ADDRESS:
        return None
    return Place(of_endpoint_names(endpoint.server_id), f"A {endpoint.address}")


BY_NAME: LookUp[Endpoint] = LookUp("E", _by_name)
BY_ADDRESS: LookUp[Endpoint] = LookUp("E", _by_address)
ENDPOINTS = Entity(
    Endpoint,
    "endpoint",
    place=lambda one: Place(of_server(one.server_id), one.id),
    code="E",
    look_ups=(BY_NAME, BY_ADDRESS),
    filters=("type",),
    texts=("name",),
    sealed=("sealed_user_info", "sealed_secret", "sealed_old_secret", "sealed_password"),
    audited="endpoint",
)
