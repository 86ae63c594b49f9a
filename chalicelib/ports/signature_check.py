"""Signatures of others, checked."""

from __future__ import annotations

from typing import Protocol


class SignatureCheck(Protocol):
    """The public-key step of DKIM and ARC."""

    def holds(self, kind: str, public: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether a key of kind `rsa` (SubjectPublicKeyInfo or RSAPublicKey, DER) or `ed25519` (32 octets) made this
        signature of a SHA-256 digest, or of a SHA-1 digest, which its length tells. ValueError for what is no key, or
        one that must not be trusted (RFC 8301)."""
