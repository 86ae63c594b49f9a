"""A key that was made here and sealed by either vault signs so that its published half verifies it."""

from __future__ import annotations

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from chalicelib.adapters.crypto.keys import CryptographyKeyMaker
from chalicelib.adapters.crypto.signer import KeyringSigner
from chalicelib.domain.errors import PermanentFailure
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.signer import Signer
from chalicelib.ports.vault import KeyVault
from tests.contract.conftest import World

DIGEST = bytes(range(32))


def verify(key: DkimKey, signature: bytes) -> None:
    """Raises InvalidSignature."""
    public = base64.b64decode(key.public)
    if key.algorithm == "ed25519-sha256":
        Ed25519PublicKey.from_public_bytes(public).verify(signature, DIGEST)
        return
    rsa = load_der_public_key(public)
    assert isinstance(rsa, RSAPublicKey)
    rsa.verify(signature, DIGEST, PKCS1v15(), Prehashed(SHA256()))


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "ed25519-sha256"])
async def test_keys_sign_once_made_and_sealed(world: World, algorithm: str) -> None:
    maker: KeyMaker = CryptographyKeyMaker()
    der, public = await maker.make(algorithm)
    bare = DkimKey("acme.test", "posthorn-abcdef", algorithm, b"", public)
    key = replace(bare, wrapped=await world[KeyVault].seal(der, bare.context))
    for _ in range(2):
        signer: Signer = KeyringSigner(world.another()[KeyVault])
        verify(key, await signer.sign(key, DIGEST))
        verify(key, await signer.sign(key, DIGEST))
        with pytest.raises(PermanentFailure):
            await signer.sign(replace(key, selector="posthorn-zzzzzz"), DIGEST)
