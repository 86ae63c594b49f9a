"""New DKIM keys."""

from __future__ import annotations

from typing import Protocol


class KeyMaker(Protocol):
    """New DKIM keys."""

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        """A new private key as PKCS#8 DER and its public half as the base64 text of `p=`: RSA with 2048 bits for
        "rsa-sha256", "ed25519-sha256" as in RFC 8463."""
