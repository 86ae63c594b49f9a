"""Signatures hold or do not; what must not be trusted is no key (RFC 8301, RFC 8463)."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.adapters.crypto import signature_check
from chalicelib.adapters.crypto.signature_check import CryptographySignatureCheck

CHECK = CryptographySignatureCheck()
DIGEST, OTHER = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
SPKI, PKCS1 = PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    return generate_private_key(65_537, 2_048)


def public(key: RSAPrivateKey, form: PublicFormat = SPKI) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, form)


@pytest.mark.parametrize("form", [SPKI, PKCS1], ids=["spki", "pkcs1"])
def test_an_rsa_signature(key: RSAPrivateKey, form: PublicFormat) -> None:
    signature = key.sign(DIGEST, PKCS1v15(), Prehashed(SHA256()))
    assert CHECK.holds("rsa", public(key, form), DIGEST, signature)
    assert not CHECK.holds("rsa", public(key, form), OTHER, signature)
    assert not CHECK.holds("rsa", public(key, form), DIGEST, signature[:-1])
    assert not CHECK.holds("rsa", public(key, form), DIGEST, b"")


def test_an_rsa_signature_of_a_sha1_digest(key: RSAPrivateKey) -> None:
    digest, other = hashlib.sha1(b"a").digest(), hashlib.sha1(b"b").digest()  # noqa: S324
    signature = key.sign(digest, PKCS1v15(), Prehashed(SHA1()))  # noqa: S303
    assert CHECK.holds("rsa", public(key), digest, signature)
    assert not CHECK.holds("rsa", public(key), other, signature)
    assert not CHECK.holds("rsa", public(key), DIGEST, signature)


def test_a_hash_that_the_system_forbids_is_nothing_to_trust(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Strict:
        def verify(self, *given: object) -> None:
            raise UnsupportedAlgorithm("not by this policy")

    monkeypatch.setattr(signature_check, "_rsa_key", lambda public: Strict())
    with pytest.raises(ValueError, match="does not verify"):
        CHECK.holds("rsa", b"", b"x" * 20, b"y")


def test_an_ed25519_signature() -> None:
    private = Ed25519PrivateKey.generate()
    raw, signature = private.public_key().public_bytes_raw(), private.sign(DIGEST)
    assert CHECK.holds("ed25519", raw, DIGEST, signature)
    assert not CHECK.holds("ed25519", raw, OTHER, signature)
    with pytest.raises(ValueError, match="32"):
        CHECK.holds("ed25519", raw[:-1], DIGEST, signature)


def of_numbers(exponent: int, bits: int) -> bytes:
    return RSAPublicNumbers(exponent, (1 << bits) - 1).public_key().public_bytes(Encoding.DER, SPKI)


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"nonsense",
        of_numbers(65_537, 2_048)[:-5],
        ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.DER, SPKI),
        of_numbers(65_537, 1_023),
        of_numbers(65_537, 8_193),
        of_numbers((1 << 40) + 1, 2_048),
    ],
    ids=["empty", "nonsense", "cut", "ec", "short", "long", "exponent"],
)
def test_what_must_not_be_trusted_is_no_key(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        CHECK.holds("rsa", octets, DIGEST, b"x" * 256)
