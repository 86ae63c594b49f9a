"""Sealed secrets, with the keys of the state folder's key file."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.adapters.sqlite.sealing_keys import SealingKeys
from chalicelib.ports.vault import KeyVault


class FileKeyVault(KeyVault):
    """The `KeyVault` port with the keys of a file."""

    def __init__(self, keys: SealingKeys) -> None:
        self._keys = keys

    async def seal(self, secret: bytes, context: Mapping[str, str]) -> bytes:
        """Seal a secret under a context, with the newest key."""
        return self._keys.seal(secret, context)

    async def open(self, sealed: bytes, context: Mapping[str, str]) -> bytes:
        """Open it again; PermanentFailure under another context, or when its key is gone."""
        return self._keys.open(sealed, context)
