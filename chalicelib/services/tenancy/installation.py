"""Setting the installation up: its fallback signing key, the key of its address MACs and the key that signs requests to
customers, made once.

Any number of processes may call `Installation.ensure` at the same time; one of them sets the installation up and all
return the same value. What an installation of an earlier release lacks is added; nothing else of it is changed.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import Conflict, NotFound
from chalicelib.domain.tenancy import installation
from chalicelib.domain.tenancy.dkim_key import ED25519, RSA, DkimKey
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.installation import INSTALLATION
from chalicelib.domain.tenancy.owners import THE_INSTALLATION
from chalicelib.ports.keys import KeyMaker
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.directory import Directory

MAC_KEY_BYTES = 32
REQUEST_KEY = "requests"
"""What the key of requests is called beside the selectors of keys that DNS has."""


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
            found = await self._directory.installation()
        except NotFound:
            found = await self._made()
        if found.request_key is None:
            return await self._completed()
        return found

    async def _made(self) -> installation.Installation:
        key = await self._key(self._settings.dkim_identifier, RSA)
        unsealed = installation.Installation(key, b"")
        mac_key = self._rand.bytes(MAC_KEY_BYTES)
        made = replace(
            unsealed,
            sealed_mac_key=await self._vault.seal(mac_key, unsealed.mac_context),
            request_key=await self._key(REQUEST_KEY, ED25519),
        )
        try:
            await self._repository.add(INSTALLATION, made)
        except Conflict:
            return await self._repository.get(INSTALLATION, Place(THE_INSTALLATION))
        return made

    async def _completed(self) -> installation.Installation:
        place = Place(THE_INSTALLATION)
        found = await self._repository.get(INSTALLATION, place)
        if found.request_key is not None:
            return found
        key = await self._key(REQUEST_KEY, ED25519)
        return await self._repository.modify(
            INSTALLATION,
            place,
            lambda one: one if one.request_key else replace(one, request_key=key),
        )

    async def _key(self, selector: str, algorithm: str) -> DkimKey:
        private, public = await self._keys.make(algorithm)
        bare = DkimKey(self._settings.return_path_domain, selector, algorithm, b"", public)
        return replace(bare, wrapped=await self._vault.seal(private, bare.context))
