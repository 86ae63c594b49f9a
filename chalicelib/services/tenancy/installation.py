"""Setting the installation up: its fallback signing key and the key of its address MACs, made once.

Any number of processes may call `Installation.ensure` at the same time; one of them sets the installation up and all
return the same value. Nothing here changes an installation that exists.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.tenancy import installation
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.directory import Directory

MAC_KEY_BYTES = 32


class Installation:
    """Makes and reads what belongs to the installation as a whole."""

    def __init__(
        self,
        repository: Repository,
        directory: Directory,
        vault: KeyVault,
        keys: KeyMaker,
        rand: Rand,
        settings: Settings,
    ) -> None:
        self._repository = repository
        self._directory = directory
        self._vault = vault
        self._keys = keys
        self._rand = rand
        self._settings = settings

    async def ensure(self) -> installation.Installation:
        """The installation, set up first when it is new. TemporaryFailure when store or vault is away."""
        try:
            return await self._directory.installation()
        except NotFound:
            made = await self._make()
        try:
            await self._repository.add(INSTALLATION, made)
        except Conflict:
            return await self._directory.installation()
        return made

    async def _make(self) -> installation.Installation:
        domain, selector = self._settings.return_path_domain, self._settings.dkim_identifier
        private, public = await self._keys.make("rsa-sha256")
        bare = DkimKey(domain, selector, "rsa-sha256", b"", public)
        wrapped = await self._vault.seal(private, bare.context)
        key = DkimKey(domain, selector, "rsa-sha256", wrapped, public)
        unsealed = installation.Installation(key, b"")
        mac_key = self._rand.bytes(MAC_KEY_BYTES)
        return installation.Installation(key, await self._vault.seal(mac_key, unsealed.mac_context))
