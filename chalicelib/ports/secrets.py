"""Secrets and signing keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chalicelib.domain.tenancy import DkimKey


class KeyVault(Protocol):
    """Seals secrets under a context (associated data): opening with another context fails with PermanentFailure."""

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes: ...

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes: ...


class Signer(Protocol):
    """The private-key step of a DKIM signature; key objects are kept, so that the vault is asked once a key."""

    async def sign(self, key: DkimKey, digest: bytes) -> bytes:
        """Sign a SHA-256 digest: PKCS#1 v1.5 for rsa-sha256, PureEdDSA over the digest for ed25519-sha256 (RFC
        8463)."""


class KeyMaker(Protocol):
    """New DKIM keys."""

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        """A new private key as PKCS#8 DER and its public half as the base64 text of `p=`: RSA with 2048 bits for
        "rsa-sha256", "ed25519-sha256" as in RFC 8463."""
