"""Signatures with the keys of domains and of the installation."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.tenancy.dkim_key import DkimKey


class Signer(Protocol):
    """The private-key step of a signature; key objects are kept, so that the vault is asked once a key."""

    async def sign(self, key: DkimKey, digest: bytes) -> bytes:
        """Sign a SHA-256 digest: PKCS#1 v1.5 for rsa-sha256, which takes one of SHA-1 too, PureEdDSA for
        ed25519-sha256 over what is given: the digest (RFC 8463), or a whole text."""
