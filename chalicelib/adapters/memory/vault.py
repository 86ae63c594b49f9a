"""A key vault with one key in the process: what it sealed cannot be opened by another process."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.adapters.crypto.sealing import NONCE_BYTES, open_with, seal_with
from chalicelib.ports.rand import Rand
from chalicelib.ports.vault import KeyVault


class MemoryKeyVault(KeyVault):
    """The `KeyVault` port with a key from `rand`. `opened` counts openings."""

    def __init__(self, rand: Rand) -> None:
        self.opened = 0
        self._rand = rand
        self._key = rand.bytes(32)

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """Seal a secret under a context."""
        return seal_with(self._key, self._rand.bytes(NONCE_BYTES), secret, context)

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """Open it again; PermanentFailure under another context."""
        self.opened += 1
        return open_with(self._key, sealed, context)
