"""Two signers of example.com, made once a process, and what signs with both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from chalicelib.adapters.crypto.keys import generate_ed25519, generate_rsa
from chalicelib.domain.mail.dkim import finish, prepare, signing_input

DOMAIN = "example.com"
AT = 1_711_108_800


@dataclass(frozen=True)
class Key:
    """A signer: where its record is, and its private half."""

    selector: str
    algorithm: str
    der: bytes
    public: str
    domain: str = DOMAIN

    @property
    def record(self) -> tuple[str, str]:
        """Name and text of the TXT record."""
        kind = self.algorithm.partition("-")[0]
        return f"{self.selector}._domainkey.{self.domain}", f"v=DKIM1; k={kind}; p={self.public}"

    def sign(self, digest: bytes) -> bytes:
        """The signature of a SHA-256 digest."""
        private = load_der_private_key(self.der, None, unsafe_skip_rsa_key_validation=True)
        if isinstance(private, RSAPrivateKey):
            return private.sign(digest, PKCS1v15(), Prehashed(SHA256()))
        assert isinstance(private, Ed25519PrivateKey)
        return private.sign(digest)


KEYS = (
    Key("r1", "rsa-sha256", *generate_rsa()),
    Key("e1", "ed25519-sha256", *generate_ed25519()),
)
RECORDS = dict(key.record for key in KEYS)


def signed(
    content: bytes, prefix_fields: Sequence[bytes] = (), keys: Sequence[Key] = KEYS
) -> list[bytes]:
    """A DKIM-Signature field of each key over the prefix and the content."""
    canonical = prepare(content, prefix_fields)
    fields = []
    for key in keys:
        signing = signing_input(canonical, key.domain, key.selector, key.algorithm, AT)
        fields.append(finish(signing, key.sign(signing.digest)))
    return fields
