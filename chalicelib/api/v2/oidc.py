"""The OpenID provider at which people sign in, as the installation of API v2 has it (api.md 2.20)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import WrongText
from chalicelib.api.v2.objects import Answer
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.domain_name import typed_name
from chalicelib.domain.http_url import LONGEST_URL
from chalicelib.domain.people.oidc_provider import DEFAULT_SCOPES, OidcProvider
from chalicelib.services.people.oidc_providers import OidcProviders

LONGEST_TEXT = 500
Scope = Annotated[str, Field(pattern=r"^[!#-\[\]-~]{1,100}$")]


def _domain(text: str) -> str:
    name = typed_name(text)
    if name is None:
        raise WrongText("domain", "must be a domain name")
    return name


DomainName = Annotated[str, Field(max_length=LONGEST_TEXT), AfterValidator(_domain)]


class OidcService(Answer):
    """Another service at which people sign in."""

    name: str


class OidcSettings(Answer):
    """The OpenID provider at which people sign in, but for its secret."""

    name: str
    issuer: str
    client_id: str
    scopes: list[str]
    create_domains: list[str]
    local_sign_in: bool
    has_client_secret: bool


class OidcToChange(Patch):
    """The provider as it is to be: what is left out stays as it is, or has its default."""

    needed = frozenset({"name", "issuer", "client_id"})

    name: Name | None = None
    issuer: Annotated[str | None, Field(min_length=1, max_length=LONGEST_URL)] = None
    client_id: Annotated[str | None, Field(min_length=1, max_length=LONGEST_TEXT)] = None
    client_secret: Annotated[
        str, Field(max_length=LONGEST_TEXT, description="Write only. Empty: it asks for none.")
    ] = ""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=20)] = Field(list(DEFAULT_SCOPES))
    create_domains: Annotated[
        list[DomainName],
        Field(
            max_length=100,
            description="Who has a verified address of one of these is made a user.",
        ),
    ] = Field([])
    local_sign_in: Annotated[
        StrictBool, Field(description="Whether people may sign in by password, too.")
    ] = True


async def change_oidc(call: Call, change: OidcToChange | None) -> None:
    """Another provider, or none. What makes one must be there once."""
    providers = call.program[OidcProviders]
    if change is None:
        await providers.write(None)
        return
    given, before = change.given(), await providers.read()
    secret = given.pop("client_secret", None)
    if "name" in given:
        given["label"] = given.pop("name")
    for name in ("scopes", "create_domains"):
        if name in given:
            given[name] = tuple(dict.fromkeys(given[name]))
    if before is None:
        for name, field in (("name", "label"), ("issuer", "issuer"), ("client_id", "client_id")):
            if field not in given:
                raise invalid_at(f"/oidc/{name}", "missing", "is required")
        await providers.write(OidcProvider(**given), secret)
        return
    await providers.write(replace(before, **given), secret)


def oidc_settings(provider: OidcProvider | None) -> OidcSettings | None:
    """The provider as operators see it."""
    if provider is None:
        return None
    return OidcSettings(
        name=provider.label,
        issuer=provider.issuer,
        client_id=provider.client_id,
        scopes=list(provider.scopes),
        create_domains=list(provider.create_domains),
        local_sign_in=provider.local_sign_in,
        has_client_secret=provider.sealed_client_secret is not None,
    )
