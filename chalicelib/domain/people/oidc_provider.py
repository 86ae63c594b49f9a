"""The OpenID provider at which people sign in, as an operator names it: one of an installation, or none.

Its addresses are https; where private destinations are open (the local stack, tests), plain HTTP to loopback is too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from chalicelib.domain.http_url import HttpUrl, read_url
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import THE_INSTALLATION

DEFAULT_SCOPES = ("openid", "email", "profile")


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """`issuer` exactly as its tokens have it. `create_domains`: the domains of whose verified addresses users are made.
    `local_sign_in`: whether people may still sign in by password."""

    label: str
    issuer: str
    client_id: str
    sealed_client_secret: bytes | None = None
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    create_domains: tuple[str, ...] = ()
    local_sign_in: bool = True

    @property
    def name(self) -> str:
        """What the audit log calls what was changed."""
        return "installation"

    @property
    def context(self) -> dict[str, str]:
        """The associated data under which the secret is sealed."""
        return {"item": "oidc-client-secret"}


OIDC = Entity(
    OidcProvider,
    "sign-in provider",
    place=lambda _: Place(THE_INSTALLATION),
    code="O",
    sealed=("sealed_client_secret",),
    audited="installation",
)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a provider is asked what. `posts_secret`: the client's secret goes into the form, not into a header."""

    authorization: str
    token: HttpUrl
    keys: HttpUrl
    user_info: HttpUrl | None = None
    posts_secret: bool = False


def read_provider_url(text: Any, *, loopback: bool) -> HttpUrl | None:
    """The parts of an address of a provider; None for one that is not believed. `loopback`: plain HTTP may go there."""
    url = read_url(text) if isinstance(text, str) else None
    if url is None or url.user_info or "#" in text:
        return None
    return url if url.scheme == "https" or (loopback and _is_loopback(url.host)) else None


def discovery_of(issuer: str) -> str:
    """Where a provider describes itself (OpenID Connect Discovery section 4)."""
    return issuer.removesuffix("/") + "/.well-known/openid-configuration"


def read_endpoints(told: Mapping[str, Any], issuer: str, *, loopback: bool) -> Endpoints | None:
    """What a provider says of itself; None when it says it of another issuer, or names addresses that are not
    believed."""
    place = "authorization_endpoint"
    names = (place, "token_endpoint", "jwks_uri")
    authorization, token, keys = (
        read_provider_url(told.get(name), loopback=loopback) for name in names
    )
    if told.get("issuer") != issuer or authorization is None or token is None or keys is None:
        return None
    ways = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    return Endpoints(
        told[place],
        token,
        keys,
        read_provider_url(told.get("userinfo_endpoint"), loopback=loopback),
        # Wherever both are taken: providers do not agree on how a secret is written in a header field.
        isinstance(ways, list) and "client_secret_post" in ways,
    )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
