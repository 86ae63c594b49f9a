"""What is asked of the OpenID provider itself: how it describes itself, its keys, and tokens for a code.

Answers are bounded in time and size. What it says of itself and its keys are kept for an hour, each process its own;
keys that do not fit a token are fetched once more, so that a provider may change them at any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.http_exchange import Fields, HttpRequest
from chalicelib.domain.http_url import HttpUrl, read_url
from chalicelib.domain.people.oidc_flow import Flow, token_request
from chalicelib.domain.people.oidc_provider import (
    Endpoints,
    OidcProvider,
    discovery_of,
    read_endpoints,
)
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from chalicelib.ports.id_tokens import IdTokenCheck
from chalicelib.services.people.oidc_providers import OidcProviders

KEPT_SECONDS = 3_600
SECONDS = 10.0
_JSON = (("Accept", "application/json"),)


class ProviderFails(TemporaryFailure):
    """The provider does not answer, or not as it should."""


@dataclass(slots=True)
class _Known:
    """What is known of an issuer since a moment, and its keys once they were asked for."""

    endpoints: Endpoints
    since: float
    keys: dict[str, Any] | None = None


class OidcClient:
    """Asks it. What it raises is ProviderFails, whose text says what is wrong without a word of the provider's."""

    def __init__(
        self,
        providers: OidcProviders,
        client: HttpClient,
        tokens: IdTokenCheck,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._providers = providers
        self._client = client
        self._tokens = tokens
        self._clock = clock
        self._loopback = settings.allow_private_destinations
        self._known: dict[str, _Known] = {}

    async def endpoints(self, provider: OidcProvider) -> Endpoints:
        """Where it is asked what."""
        return (await self._of(provider)).endpoints

    async def claims(
        self, provider: OidcProvider, flow: Flow, back: str, code: str
    ) -> dict[str, Any] | None:
        """What its ID token says, which it gives for a code; None when none of its keys made that. Claims about the
        address that the token lacks are asked for besides."""
        endpoints = await self.endpoints(provider)
        secret = await self._providers.secret(provider)
        fields, form = token_request(provider, endpoints, flow, back, code, secret)
        given = await self._json("token", endpoints.token, fields, form)
        token = given.get("id_token")
        claims = await self._read(provider, token) if isinstance(token, str) else None
        if claims is None or "email" in claims or endpoints.user_info is None:
            return claims
        return await self._with_address(claims, endpoints.user_info, given.get("access_token"))

    async def _read(self, provider: OidcProvider, token: str) -> dict[str, Any] | None:
        known = await self._of(provider)
        if known.keys is not None and (found := self._tokens.claims(token, known.keys)) is not None:
            return found
        known.keys = await self._json("keys", known.endpoints.keys)
        return self._tokens.claims(token, known.keys)

    async def _with_address(
        self, claims: dict[str, Any], place: HttpUrl, access_token: Any
    ) -> dict[str, Any]:
        if not isinstance(access_token, str) or not access_token.isascii():
            return claims
        fields = (("Authorization", f"Bearer {access_token}"), *_JSON)
        told = await self._json("user info", place, fields)
        if told.get("sub") != claims.get("sub"):  # OpenID Connect Core section 5.3.2
            return claims
        more = ("email", "email_verified", "given_name", "family_name")
        return {name: told[name] for name in more if name in told} | claims

    async def _of(self, provider: OidcProvider) -> _Known:
        known = self._known.get(provider.issuer)
        if known is not None and self._clock.monotonic() - known.since < KEPT_SECONDS:
            return known
        url = read_url(discovery_of(provider.issuer))
        if url is None:
            raise ProviderFails("The issuer of the sign-in provider is no URL")
        told = await self._json("description", url)
        endpoints = read_endpoints(told, provider.issuer, loopback=self._loopback)
        if endpoints is None:
            raise ProviderFails("The sign-in provider describes another one, or names wrong URLs")
        self._known = {provider.issuer: _Known(endpoints, self._clock.monotonic())}
        return self._known[provider.issuer]

    async def _json(
        self, what: str, url: HttpUrl, fields: Fields = _JSON, form: bytes | None = None
    ) -> dict[str, Any]:
        """The JSON object of an answer, which must be a good one."""
        request = HttpRequest(
            url,
            fields,
            form or b"",
            SECONDS,
            method="GET" if form is None else "POST",
            may_be_private=True,
        )
        answer = await self._client.send(request)
        if answer.code != 200:
            code = f"with {answer.code}" if answer.code > 0 else "not at all"
            raise ProviderFails(f"The sign-in provider answers {code} ({what})")
        return _object(what, answer.body)


def _object(what: str, body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError) as wrong:
        raise ProviderFails(f"The sign-in provider does not answer in JSON ({what})") from wrong
    if not isinstance(found, Mapping):
        raise ProviderFails(f"The sign-in provider does not answer in JSON ({what})")
    return dict(found)
