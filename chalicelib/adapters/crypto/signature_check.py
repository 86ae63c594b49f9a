"""The `SignatureCheck` port by the `cryptography` package.

RSA keys have 1,024 to 8,192 bits and a small exponent, so that no check takes more than a millisecond.
"""

from __future__ import annotations

from functools import lru_cache

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chalicelib.ports.signature_check import SignatureCheck

FEWEST_BITS, MOST_BITS = 1_024, 8_192  # RFC 8301 section 3.2
LARGEST_EXPONENT = 1 << 33
KEPT_KEYS = 256  # reading one costs as much as checking with it
_PADDING = PKCS1v15()
_PREHASHED = Prehashed(SHA256())
# For chains of ARC alone (ADR 68).
_PREHASHED_SHA1 = Prehashed(SHA1())  # noqa: S303


class CryptographySignatureCheck(SignatureCheck):
    """Checks on the event loop: handing a tenth of a millisecond to a thread costs more."""

    def holds(self, kind: str, public: bytes, digest: bytes, signature: bytes) -> bool:
        """See `chalicelib.ports.signature_check.SignatureCheck.holds`."""
        try:
            if kind == "ed25519":
                Ed25519PublicKey.from_public_bytes(public).verify(signature, digest)
            else:
                hashed = _PREHASHED_SHA1 if len(digest) == SHA1.digest_size else _PREHASHED
                _rsa_key(public).verify(signature, digest, _PADDING, hashed)
        except InvalidSignature:
            return False
        except UnsupportedAlgorithm as forbidden:
            raise ValueError("a hash that this system does not verify") from forbidden
        return True


@lru_cache(KEPT_KEYS)
def _rsa_key(public: bytes) -> RSAPublicKey:
    try:
        key = load_der_public_key(public)
    except UnsupportedAlgorithm as other:
        raise ValueError("a key of another kind") from other
    if not isinstance(key, RSAPublicKey):
        raise ValueError("a key of another kind")
    if not FEWEST_BITS <= key.key_size <= MOST_BITS:
        raise ValueError("a key that is too short, or too long")
    if key.public_numbers().e > LARGEST_EXPONENT:
        raise ValueError("an exponent that is too large")
    return key
