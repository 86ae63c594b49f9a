"""Public keys as JSON Web Keys show them (RFC 7517, 7518, 8037), out of the text that DNS has in `p=`.

Only keys that were made or checked here are read: nothing about them is verified.
"""

from __future__ import annotations

import base64
import hashlib


def key_id(public: str) -> str:
    """SHA-256 in hex of the key itself: of an RSA key's PKCS#1 DER (contract section 6.3), of Ed25519's 32 bytes."""
    return hashlib.sha256(_bare(public)).hexdigest()


def rsa_members(public: str) -> dict[str, str]:
    """`n` and `e` of an RSA key."""
    numbers, _ = _value(_bare(public))
    modulus, at = _value(numbers)
    exponent, _ = _value(numbers, at)
    return {"n": base64url(modulus.lstrip(b"\0")), "e": base64url(exponent.lstrip(b"\0"))}


def ed25519_members(public: str) -> dict[str, str]:
    """`x` of an Ed25519 key."""
    return {"x": base64url(_bare(public))}


def base64url(data: bytes) -> str:
    """Base64 of the URL alphabet without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bare(public: str) -> bytes:
    """The key alone: of a SubjectPublicKeyInfo (RFC 5280 §4.1) what its bit string holds."""
    der = base64.b64decode(public)
    if len(der) == 32:
        return der
    info, _ = _value(der)
    _, at = _value(info)
    bits, _ = _value(info, at)
    return bits[1:]


def _value(der: bytes, at: int = 0) -> tuple[bytes, int]:
    """What the DER value at an offset holds, and the offset after it."""
    size, start = der[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size, start = int.from_bytes(der[start : start + count], "big"), start + count
    return der[start : start + size], start + size
