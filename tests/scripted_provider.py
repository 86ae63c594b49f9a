"""An OpenID provider in the test's own process, in place of the HTTP client: it says what it is told to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from chalicelib.domain.http_exchange import HttpAnswer, HttpRequest
from chalicelib.domain.people.oidc_provider import OidcProvider
from chalicelib.ports.clock import Clock
from chalicelib.ports.http_client import HttpClient
from tests.signed_tokens import public_jwk, signed

ISSUER = "https://id.test"
KEYS = [rsa.generate_private_key(65_537, 2_048) for _ in range(2)]
PROVIDER = OidcProvider("Acme", ISSUER, "posthorn", create_domains=("acme.test",))
ADA = {
    "sub": "ada",
    "email": "ada@acme.test",
    "email_verified": True,
    "given_name": "Ada",
    "aud": "posthorn",
    "iss": ISSUER,
}


@dataclass
class Scripted(HttpClient):
    """A provider that says what it is told to: `claims` over those that are right, or a whole `token`."""

    clock: Clock | None = None
    claims: dict[str, Any] = field(default_factory=dict)
    token: str | None = None
    key: int = 0
    listed: list[int] = field(default_factory=lambda: [0])
    described: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, HttpAnswer] = field(default_factory=dict)
    asked: list[HttpRequest] = field(default_factory=list)
    nonce: str = ""

    async def send(self, request: HttpRequest) -> HttpAnswer:
        """What is asked, by the last part of its path."""
        self.asked.append(request)
        what = request.url.target.rpartition("/")[2]
        if what in self.answers:
            return self.answers[what]
        told: Mapping[str, Any] = {
            "openid-configuration": self._description(),
            "jwks": {"keys": [public_jwk(KEYS[one], f"k{one}") for one in self.listed]},
            "token": {"access_token": "a", "id_token": self.token or self._token()},
        }[what]
        return HttpAnswer(200, body=json.dumps(told).encode())

    def count(self, what: str) -> int:
        """How often that was asked."""
        return sum(one.url.target.endswith(what) for one in self.asked)

    def _description(self) -> dict[str, Any]:
        places = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "jwks"}
        named = {name: f"{ISSUER}/{place}" for name, place in places.items()}
        return {"issuer": ISSUER, **named, **self.described}

    def _token(self) -> str:
        return signed(self.said(), KEYS[self.key], f"k{self.key}")

    def said(self) -> dict[str, Any]:
        """The claims of a token."""
        assert self.clock is not None
        now = self.clock.now()
        return {**ADA, "nonce": self.nonce, "iat": now, "exp": now + 60, **self.claims}
