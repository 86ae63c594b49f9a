"""Tokens of providers hold when a key that the provider lists made them, and by nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from chalicelib.adapters.crypto.id_tokens import JoserfcIdTokenCheck
from tests.signed_tokens import Private, public_jwk, signed, signed_by_secret, text, unsigned

CHECK = JoserfcIdTokenCheck()
CLAIMS = {"iss": "https://id.test", "sub": "1"}
RSA = rsa.generate_private_key(65_537, 2_048)
OTHER = rsa.generate_private_key(65_537, 2_048)
KEYS: list[Private] = [
    RSA,
    ec.generate_private_key(ec.SECP256R1()),
]


@pytest.mark.parametrize("key", KEYS, ids=["rsa", "ec"])
def test_a_token_of_each_kind_of_key(key: Private) -> None:
    keys = {"keys": [public_jwk(OTHER, "k0"), public_jwk(key)]}
    assert CHECK.claims(signed(CLAIMS, key), keys) == CLAIMS
    assert CHECK.claims(signed(CLAIMS, key)[:-6] + "AAAAAA", keys) is None


def test_a_token_that_names_no_key_is_tried_with_each() -> None:
    keys = {"keys": [public_jwk(OTHER, None), public_jwk(KEYS[1], None), public_jwk(RSA, None)]}
    assert CHECK.claims(signed(CLAIMS, RSA, None), keys) == CLAIMS


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": [public_jwk(RSA, "k2")]},
        {"keys": [public_jwk(OTHER)]},
        {"keys": [public_jwk(RSA, use="enc")]},
        {"keys": [public_jwk(RSA, alg="PS256")]},
        {"keys": []},
        {"keys": "k1"},
        {"keys": [None, "x", {}, {"kty": "RSA", "kid": "k1", "n": [], "e": None}]},
        {"keys": [{"kty": "RSA", "kid": "k1", "n": "!" * 400, "e": "AQAB"}]},
        {},
    ],
)
def test_keys_that_did_not_make_it(keys: dict[str, Any]) -> None:
    assert CHECK.claims(signed(CLAIMS, RSA), keys) is None


def test_a_secret_is_no_key_however_it_is_listed() -> None:
    public = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    shared = {"kty": "oct", "kid": "k1", "k": text(b"s" * 32)}
    keys = {"keys": [shared, public_jwk(RSA)]}
    assert CHECK.claims(signed_by_secret(CLAIMS, b"s" * 32), keys) is None
    assert CHECK.claims(signed_by_secret(CLAIMS, public), keys) is None
    assert CHECK.claims(unsigned(CLAIMS), keys) is None


def test_a_short_key_is_none() -> None:
    short = rsa.generate_private_key(65_537, 1_024)  # noqa: S505  # which is why it is none
    assert CHECK.claims(signed(CLAIMS, short), {"keys": [public_jwk(short)]}) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "a.b.c",
        "é.é.é",
        "\ud800.a.b",
        f"{text(b'[]')}.{text(b'{}')}.x",
        f"{text(b'[' * 5_000)}.{text(b'{}')}.x",
        signed(["not", "claims"], RSA),
        signed(CLAIMS, RSA, crit=["exp"]),
        signed(CLAIMS, RSA, alg=7),
        signed(CLAIMS, RSA, alg="RS9"),
        signed(CLAIMS, RSA, jwk=public_jwk(OTHER), alg="ES256"),
        signed({"x": "y" * 40_000}, RSA),
        "." * 1_000_000,
    ],
)
def test_whatever_else_comes_does_not_hold(token: str) -> None:
    assert CHECK.claims(token, {"keys": [public_jwk(RSA)]}) is None
