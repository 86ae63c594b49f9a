"""What operations on `/api/v2/endpoints` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.emails_parts import EndpointType

__all__ = [
    "Endpoint",
    "EndpointPage",
    "EndpointToChange",
    "EndpointToMake",
    "EndpointWithSecret",
    "PayloadEncoding",
    "PayloadFormat",
    "SslMode",
    "TestedEndpoint",
]


class Endpoint(TypedDict):
    """Where routes send mail: a web application, an SMTP server or an address."""

    id: str
    uuid: str
    type: EndpointType
    name: str
    enabled: bool
    """While it is not, mail for it is held."""
    disabled_reason: str | None
    routes: list[str]
    """The ids of routes that send to it."""
    created_at: str
    last_used_at: str | None
    url: str | None
    format: PayloadFormat | None
    encoding: PayloadEncoding | None
    strip_replies: bool | None
    include_attachments: bool | None
    timeout: int | None
    hostname: str | None
    port: int | None
    ssl_mode: SslMode | None
    username: str | None
    has_password: bool | None
    address: str | None


class EndpointPage(TypedDict):
    """Endpoints, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Endpoint]


class EndpointToChange(TypedDict):
    """What may be changed of it."""

    enabled: NotRequired[bool | None]
    url: NotRequired[str | None]
    format: NotRequired[PayloadFormat | None]
    encoding: NotRequired[PayloadEncoding | None]
    """http: `FormData` is for `Hash` and `RawMessage`."""
    strip_replies: NotRequired[bool | None]
    include_attachments: NotRequired[bool | None]
    timeout: NotRequired[int | None]
    """http: seconds."""
    hostname: NotRequired[str | None]
    port: NotRequired[int | None]
    ssl_mode: NotRequired[SslMode | None]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    address: NotRequired[str | None]
    name: NotRequired[str | None]


class EndpointToMake(TypedDict):
    """A new endpoint: fields of its type, and those of all."""

    enabled: NotRequired[bool | None]
    url: NotRequired[str | None]
    format: NotRequired[PayloadFormat | None]
    encoding: NotRequired[PayloadEncoding | None]
    """http: `FormData` is for `Hash` and `RawMessage`."""
    strip_replies: NotRequired[bool | None]
    include_attachments: NotRequired[bool | None]
    timeout: NotRequired[int | None]
    """http: seconds."""
    hostname: NotRequired[str | None]
    port: NotRequired[int | None]
    ssl_mode: NotRequired[SslMode | None]
    username: NotRequired[str | None]
    password: NotRequired[str | None]
    address: NotRequired[str | None]
    type: EndpointType
    """It stays as it is."""
    name: NotRequired[str | None]
    """An address endpoint's is its address."""


PayloadEncoding = Literal["BodyAsJSON", "FormData"]
"""How it is posted."""


PayloadFormat = Literal["v2", "Hash", "RawMessage"]
"""What is posted to an HTTP endpoint (api.md 2.18, contract 5A)."""


SslMode = Literal["None", "Auto", "STARTTLS", "TLS"]
"""How an SMTP endpoint is spoken to."""


class TestedEndpoint(TypedDict):
    """What an endpoint said to a sample."""

    code: int
    """Of HTTP; or -1: no answer in time, -2: no connection or no HTTP, -3: no TLS, -4: blocked.
    """
    seconds: float
    response: str
    """The first 1,024 characters of its body."""
    error: str | None
    """Why there is no answer."""


class EndpointWithSecret(Endpoint):
    """An endpoint with a secret that was just made."""

    secret: str | None
    """http: `whsec_` and base64 of 32 bytes that sign. Shown here alone."""
