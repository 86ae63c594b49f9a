"""The installation's key of address MACs: what return paths, tracked links and open images are checked with.

Opened once for whoever holds this object, because each opening is a request to the vault.
"""

from __future__ import annotations

from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.ports.recent import Recent
from chalicelib.ports.vault import KeyVault


class AddressMac:
    """Opens the key when it is first asked for."""

    def __init__(self, recent: Recent, vault: KeyVault) -> None:
        self._recent = recent
        self._vault = vault
        self._key: bytes | None = None

    async def key(self) -> bytes:
        """The key. TemporaryFailure when store or vault is away, NotFound before the installation is set up."""
        if self._key is None:
            found = await self._recent.get(INSTALLATION, Place(THE_INSTALLATION))
            installation = INSTALLATION.known(found)
            self._key = await self._vault.open(
                installation.sealed_mac_key, installation.mac_context
            )
        return self._key
