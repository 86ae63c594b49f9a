"""The signer: right signatures, the vault asked once a key, unusable keys refused."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_public_key,
)

from chalicelib.adapters.crypto.keys import CryptographyKeyMaker
from chalicelib.adapters.crypto.signer import KeyringSigner
from chalicelib.domain.errors import PermanentFailure, TemporaryFailure
from chalicelib.domain.tenancy.dkim_key import DkimKey
from tests.dkim_keys import KEYS

DIGEST = bytes(range(32))
RSA, ED25519 = (
    DkimKey(key.domain, key.selector, key.algorithm, key.der, key.public) for key in KEYS
)


class OpenVault:
    """Keeps nothing secret, counts how often it is asked, and yields before it answers."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        return secret

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        self.asked.append(context["selector"])
        await asyncio.sleep(0)
        if not sealed:
            raise PermanentFailure("sealed under another context")
        return sealed


async def test_both_algorithms_sign_the_digest() -> None:
    signer = KeyringSigner(OpenVault())
    rsa = load_der_public_key(base64.b64decode(RSA.public))
    assert isinstance(rsa, RSAPublicKey)
    assert rsa.key_size == 2048
    rsa.verify(await signer.sign(RSA, DIGEST), DIGEST, PKCS1v15(), Prehashed(SHA256()))
    ed25519 = Ed25519PublicKey.from_public_bytes(base64.b64decode(ED25519.public))
    ed25519.verify(await signer.sign(ED25519, DIGEST), DIGEST)


async def test_the_vault_is_asked_once_a_key_even_by_many_at_once() -> None:
    vault = OpenVault()
    signer = KeyringSigner(vault)
    signatures = await asyncio.gather(*(signer.sign(key, DIGEST) for key in [RSA, ED25519] * 10))
    assert len(set(signatures)) == 2
    await signer.sign(RSA, DIGEST)
    assert sorted(vault.asked) == ["e1", "r1"]


async def test_the_least_recently_used_key_is_forgotten() -> None:
    vault = OpenVault()
    signer = KeyringSigner(vault, kept=2)
    keys = [replace(ED25519, selector=name) for name in ("a", "b", "c")]
    for index in (0, 1, 0, 2, 0, 1):
        await signer.sign(keys[index], DIGEST)
    assert vault.asked == ["a", "b", "c", "b"]


async def test_a_replaced_key_is_not_confused_with_the_one_before() -> None:
    signer = KeyringSigner(OpenVault())
    before = await signer.sign(ED25519, DIGEST)
    der, public = await CryptographyKeyMaker().make("ed25519-sha256")
    assert await signer.sign(replace(ED25519, wrapped=der, public=public), DIGEST) != before


def other_kind_of_key() -> bytes:
    return generate_private_key(SECP256R1()).private_bytes(
        Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
    )


@pytest.mark.parametrize(
    "key",
    [
        replace(RSA, wrapped=b"not a key"),
        replace(RSA, wrapped=ED25519.wrapped),
        replace(ED25519, wrapped=RSA.wrapped),
        replace(RSA, wrapped=other_kind_of_key()),
        replace(RSA, algorithm="rsa-sha1"),
    ],
)
async def test_an_unusable_key_is_a_temporary_failure_that_tells_no_secret(key: DkimKey) -> None:
    with pytest.raises(TemporaryFailure) as caught:
        await KeyringSigner(OpenVault()).sign(key, DIGEST)
    assert caught.value.fields == {"domain": key.domain, "selector": key.selector}
    assert "not a key" not in str(caught.value)


async def test_what_the_vault_says_goes_through_and_is_asked_again() -> None:
    vault = OpenVault()
    signer = KeyringSigner(vault)
    for _ in range(2):
        with pytest.raises(PermanentFailure):
            await signer.sign(replace(RSA, wrapped=b""), DIGEST)
    assert len(vault.asked) == 2


async def test_unknown_algorithms_make_no_key() -> None:
    with pytest.raises(ValueError, match="algorithm"):
        await CryptographyKeyMaker().make("rsa-sha1")
