"""Making DKIM key pairs: RSA of 2048 bits (RFC 8301) and Ed25519 (RFC 8463).

The private half comes as PKCS#8 DER, unencrypted, to be sealed at once; the public half is the text of `p=` in the DNS
record. Nothing is stored or logged here.
"""

from __future__ import annotations

import asyncio
import base64

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chalicelib.ports.keys import KeyMaker

RSA_BITS = 2048


def generate_rsa() -> tuple[bytes, str]:
    """A fresh RSA key: PKCS#8 DER, and base64 of the SubjectPublicKeyInfo."""
    key = generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return _private_der(key), base64.b64encode(public).decode()


def generate_ed25519() -> tuple[bytes, str]:
    """A fresh Ed25519 key: PKCS#8 DER, and base64 of the 32 bytes of the public key."""
    key = Ed25519PrivateKey.generate()
    return _private_der(key), base64.b64encode(key.public_key().public_bytes_raw()).decode()


class CryptographyKeyMaker(KeyMaker):
    """The KeyMaker port by the `cryptography` package, in a thread: an RSA key takes 50 to 500 ms."""

    async def make(self, algorithm: str) -> tuple[bytes, str]:
        """A key pair for "rsa-sha256" or "ed25519-sha256"; ValueError for anything else."""
        makers = {"rsa-sha256": generate_rsa, "ed25519-sha256": generate_ed25519}
        if algorithm not in makers:
            raise ValueError(f"no DKIM algorithm {algorithm!r}")
        return await asyncio.to_thread(makers[algorithm])


def _private_der(key: RSAPrivateKey | Ed25519PrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
