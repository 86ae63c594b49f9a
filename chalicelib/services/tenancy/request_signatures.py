"""Signatures of requests to customers' servers: those of Postal (contract section 6.3) and of Standard Webhooks.

Both are over the exact body. `X-Postal-Signature…` are RSA signatures of the installation's signing key.
`webhook-signature` has a `v1` for each secret of the receiver, and a `v1a` by the installation's Ed25519 key.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.public_key import ed25519_members, key_id, rsa_members
from chalicelib.ports.signer import Signer
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.installation import Installation

PUBLIC_PREFIX = "whpk_"
Fields = tuple[tuple[str, str], ...]


class RequestSignatures:
    """Signs, and shows the public keys."""

    def __init__(self, directory: Directory, installation: Installation, signer: Signer) -> None:
        self._directory = directory
        self._installation = installation
        self._signer = signer

    async def fields(self, body: bytes, id: str, at: int, secrets: Sequence[bytes]) -> Fields:
        """The header fields that sign a body. `id` is that of the event, `at` the time of the attempt. TemporaryFailure
        when store or vault is away."""
        rsa, ed25519 = await self._keys()
        sha1 = hashlib.sha1(body, usedforsecurity=False).digest()
        sha256 = hashlib.sha256(body).digest()
        signed = f"{id}.{at}.".encode() + body
        signatures = [
            *(f"v1,{_base64(hmac.digest(secret, signed, 'sha256'))}" for secret in secrets),
            f"v1a,{_base64(await self._signer.sign(ed25519, signed))}",
        ]
        return (
            ("X-Postal-Signature-KID", key_id(rsa.public)),
            ("X-Postal-Signature", _base64(await self._signer.sign(rsa, sha1))),
            ("X-Postal-Signature-256", _base64(await self._signer.sign(rsa, sha256))),
            ("webhook-id", id),
            ("webhook-timestamp", str(at)),
            ("webhook-signature", " ".join(signatures)),
        )

    async def token(self, claims: Mapping[str, Any]) -> str:
        """What somebody may show as ours: a compact JWS (RFC 7515) by the RSA key of the key set."""
        rsa, _ = await self._keys()
        header = {"alg": "RS256", "kid": key_id(rsa.public), "typ": "JWT"}
        signed = f"{_base64_url(_json(header))}.{_base64_url(_json(claims))}"
        signature = await self._signer.sign(rsa, hashlib.sha256(signed.encode()).digest())
        return f"{signed}.{_base64_url(signature)}"

    async def public_key(self) -> str:
        """The key that verifies `v1a`, as Standard Webhooks writes it."""
        _, ed25519 = await self._keys()
        return PUBLIC_PREFIX + ed25519.public

    async def key_set(self) -> dict[str, list[dict[str, str]]]:
        """The public keys as a JSON Web Key Set, the RSA key first."""
        rsa, ed25519 = await self._keys()
        used = {"use": "sig"}
        return {
            "keys": [
                {"kty": "RSA", **rsa_members(rsa.public), "kid": key_id(rsa.public), **used, "alg": "RS256"},
                {"kty": "OKP", "crv": "Ed25519", **ed25519_members(ed25519.public),
                 "kid": key_id(ed25519.public), **used, "alg": "EdDSA"},
            ]
        }  # fmt: skip

    async def _keys(self) -> tuple[DkimKey, DkimKey]:
        """The RSA and the Ed25519 key; an installation of an earlier release gets the latter here."""
        found = await self._directory.installation()
        if found.request_key is None:
            found = await self._installation.ensure()
        if found.request_key is None:
            raise RuntimeError("the installation has no key for requests")
        return found.signing_key, found.request_key


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode("ascii").rstrip("=")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
