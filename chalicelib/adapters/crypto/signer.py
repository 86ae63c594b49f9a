"""The private-key step of signatures by the `cryptography` package, with key objects kept.

A sealed key is opened through the vault once and its object kept among the 1,000 used last, so that a signature costs
one RSA or Ed25519 operation. A key is known by its domain, selector and sealed bytes: a replaced key is never confused
with its forerunner. Signing runs on the event loop, because handing a third of a millisecond to a thread costs more.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.ports.signer import Signer
from chalicelib.ports.vault import KeyVault

KEPT_KEYS = 1_000
FEWEST_RSA_BITS = 1_024  # RFC 8301 §3.2: verifiers take less for no signature

PrivateKey = RSAPrivateKey | Ed25519PrivateKey
_PADDING = PKCS1v15()
_PREHASHED = Prehashed(SHA256())
# Receivers of contract section 6.3 insist on it (QUIRK-01); nothing else is signed so.
_PREHASHED_SHA1 = Prehashed(SHA1())  # noqa: S303


class KeyringSigner(Signer):
    """The Signer port over a KeyVault."""

    def __init__(self, vault: KeyVault, kept: int = KEPT_KEYS) -> None:
        self._vault = vault
        self._kept = kept
        self._keys: OrderedDict[DkimKey, PrivateKey] = OrderedDict()
        self._opening: dict[DkimKey, asyncio.Task[PrivateKey]] = {}

    async def sign(self, key: DkimKey, digest: bytes) -> bytes:
        """See `chalicelib.ports.signer.Signer.sign`. What the vault raises goes through; TemporaryFailure for a key
        that cannot be used, because an operator can put that right while the message waits."""
        private = self._keys.get(key)
        if private is None:
            private = await self._open_once(key)
        else:
            self._keys.move_to_end(key)
        if isinstance(private, RSAPrivateKey):
            prehashed = _PREHASHED_SHA1 if len(digest) == SHA1.digest_size else _PREHASHED
            return private.sign(digest, _PADDING, prehashed)
        return private.sign(digest)

    async def _open_once(self, key: DkimKey) -> PrivateKey:
        """Open a key; callers that come meanwhile wait for the same opening."""
        task = self._opening.get(key)
        if task is None:
            task = asyncio.create_task(self._open(key))
            self._opening[key] = task
            task.add_done_callback(lambda _: self._opening.pop(key, None))
        # Shielded, because one cancelled caller must not take the key away from the others.
        private = await asyncio.shield(task)
        self._keys[key] = private
        while len(self._keys) > self._kept:
            self._keys.popitem(last=False)
        return private

    async def _open(self, key: DkimKey) -> PrivateKey:
        der = await self._vault.open(key.wrapped, key.context)
        try:
            # Our own keys were checked when they were made; checking again costs 30 ms a key.
            private = load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError, UnsupportedAlgorithm) as error:
            raise _unusable(key) from error
        if key.algorithm == "ed25519-sha256" and isinstance(private, Ed25519PrivateKey):
            return private
        long_enough = isinstance(private, RSAPrivateKey) and private.key_size >= FEWEST_RSA_BITS
        if key.algorithm == "rsa-sha256" and isinstance(private, RSAPrivateKey) and long_enough:
            return private
        raise _unusable(key)


def _unusable(key: DkimKey) -> TemporaryFailure:
    return TemporaryFailure(
        "A signing key of the sender's domain cannot be used",
        domain=key.domain,
        selector=key.selector,
    )
