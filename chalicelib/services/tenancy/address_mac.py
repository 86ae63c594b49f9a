"""The installation's key of address MACs: what return paths, tracked links and open images are checked with.

Opened once for whoever holds this object, because each opening is a request to the vault.
"""

from __future__ import annotations

from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.directory import Directory


class AddressMac:
    """Opens the key when it is first asked for."""

    def __init__(self, directory: Directory, vault: KeyVault) -> None:
        self._directory = directory
        self._vault = vault
        self._key: bytes | None = None

    async def key(self) -> bytes:
        """The key. TemporaryFailure when directory or vault is away, NotFound before the installation is set up."""
        if self._key is None:
            installation = await self._directory.installation()
            self._key = await self._vault.open(
                installation.sealed_mac_key, installation.mac_context
            )
        return self._key
