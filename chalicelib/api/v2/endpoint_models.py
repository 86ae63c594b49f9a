"""Endpoints as requests and answers of API v2 (api.md 2.8). Fields of other types are null in answers."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, Request
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.domain.http_url import LONGEST_URL, with_user_info
from chalicelib.domain.tenancy import endpoints as tenancy
from chalicelib.domain.tenancy.endpoints import (
    EndpointType,
    PayloadEncoding,
    PayloadFormat,
    SslMode,
)
from chalicelib.services.incoming.endpoint_fields import OF_TYPE, checked_address
from chalicelib.services.tenancy.receiver_url import HIDDEN

_OF_ALL = frozenset("id uuid type name enabled disabled_reason created_at last_used_at".split())
Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST_URL,
        description="http: where to post. User-info is used for basic authentication, and shown as `***`,"
        " which keeps it while scheme, host and port stay the same.",
        examples=["https://app.example/mail"],
    ),
]
Timeout = Annotated[int, Field(ge=5, le=60, strict=True, description="http: seconds.")]
Hostname = Annotated[
    str, Field(min_length=1, max_length=255, description="smtp: a name or an address.")
]
Port = Annotated[int, Field(ge=1, le=65_535, strict=True, description="smtp: 25; 465 with `TLS`.")]
Username = Annotated[
    str, Field(max_length=200, description="smtp: needs `STARTTLS` or `TLS`, which verify.")
]
Password = Annotated[
    str,
    Field(
        max_length=200,
        description="smtp: never shown; another `hostname` needs it again.",
    ),
]
Forwarded = Annotated[
    str,
    Field(min_length=1, max_length=255, description="address: where to forward to."),
    checked(checked_address),
]
Encoding = Annotated[
    PayloadEncoding, Field(description="http: `FormData` is for `Hash` and `RawMessage`.")
]
Secret = Annotated[
    str | None,
    Field(description="http: `whsec_` and base64 of 32 bytes that sign. Shown here alone."),
]


class Endpoint(Answer):
    """Where routes send mail: a web application, an SMTP server or an address."""

    id: str
    uuid: str
    type: EndpointType
    name: str
    enabled: Annotated[bool, Field(description="While it is not, mail for it is held.")]
    disabled_reason: str | None
    routes: Annotated[list[str], Field(description="The ids of routes that send to it.")]
    created_at: Moment
    last_used_at: Moment | None
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


class EndpointWithSecret(Endpoint):
    """An endpoint with a secret that was just made."""

    secret: Secret


class TestedEndpoint(Answer):
    """What an endpoint said to a sample."""

    code: Annotated[
        int,
        Field(
            description="Of HTTP; or -1: no answer in time, -2: no connection or no HTTP, -3: no TLS, -4: blocked."
        ),
    ]
    seconds: float
    response: Annotated[str, Field(description="The first 1,024 characters of its body.")]
    error: Annotated[str | None, Field(description="Why there is no answer.")]


class EndpointSettings(Request):
    """What an endpoint may be made with and changed to."""

    enabled: StrictBool = True
    url: Url | None = None
    format: PayloadFormat = PayloadFormat.V2
    encoding: Encoding = PayloadEncoding.JSON
    strip_replies: StrictBool = False
    include_attachments: StrictBool = True
    timeout: Timeout = 5
    hostname: Hostname | None = None
    port: Port | None = None
    ssl_mode: SslMode = SslMode.AUTO
    username: Username | None = None
    password: Password | None = None
    address: Forwarded | None = None


class EndpointToMake(EndpointSettings, Body):
    """A new endpoint: fields of its type, and those of all."""

    type: Annotated[EndpointType, Field(description="It stays as it is.")]
    name: Annotated[Name | None, Field(description="An address endpoint's is its address.")] = None


class EndpointToChange(EndpointSettings, Patch):
    """What may be changed of it."""

    needed = frozenset({"url", "hostname", "address"})

    name: Name | None = None


class EndpointPage(ListAnswer):
    """Endpoints, newest first."""

    data: list[Endpoint]


def endpoint_shown(endpoint: tenancy.Endpoint, routes: list[str]) -> dict[str, Any]:
    """The fields of an answer; `routes` are the ids of those that send to it."""
    shown = {
        name: getattr(endpoint, name) for name in _OF_ALL | OF_TYPE[endpoint.type] - {"password"}
    }
    if endpoint.type is EndpointType.HTTP:
        user_info = "" if endpoint.sealed_user_info is None else HIDDEN
        shown["url"] = with_user_info(endpoint.url, user_info)
    if endpoint.type is EndpointType.SMTP:
        shown["has_password"] = endpoint.sealed_password is not None
    return dict.fromkeys(Endpoint.model_fields) | shown | {"routes": routes}
