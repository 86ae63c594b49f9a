"""Who is asking: a key, a CRAM-MD5 answer or a client address becomes a principal for one server.

The tenant always comes from the credential found here, never from what the client says about itself. A suspended
server still authenticates (contract section 3.3); whoever uses the principal decides what that means.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass

from chalicelib.domain.errors import NotFound, TemporaryFailure, Unauthenticated
from chalicelib.domain.ids import is_new_key, key_digest
from chalicelib.domain.tenancy.credentials import CREDENTIALS, Credential, CredentialKind
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.unknown_keys import UnknownKeys

LOG = logging.getLogger("posthorn.authenticate")

LONGEST_KEY = 256
USE_SECONDS = 3_600
MOST_NOTED = 10_000
_FULL_NAME = re.compile(r"([a-z0-9-]{1,64})[/_]([a-z0-9-]{1,64})")


@dataclass(frozen=True, slots=True)
class Principal:
    """A credential and the server it belongs to."""

    server: Server
    credential: Credential


class Authenticate:
    """Turns proof into a `Principal`, or raises Unauthenticated without saying what was wrong."""

    def __init__(
        self,
        directory: Directory,
        clients: ClientDirectory,
        vault: KeyVault,
        repository: Repository,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._clients = clients
        self._vault = vault
        self._repository = repository
        self._clock = clock
        self._noted: dict[str, int] = {}
        self._unknown_keys = UnknownKeys(clock)

    async def by_key(
        self, key: str, kinds: frozenset[CredentialKind], address: str | None = None
    ) -> Principal:
        """The principal of an API or SMTP key; the user name plays no part (contract section 3.3).

        With the client's `address` unknown keys are counted by it: TooManyUnknownKeys then means that the key was not
        looked at. Without one the caller does its own counting.
        """
        if not key or len(key) > LONGEST_KEY:
            raise Unauthenticated("Invalid credential")
        digest = key_digest(key)
        if address is not None:
            self._unknown_keys.admit(digest, address, ours=is_new_key(key))
        try:
            credential = await self._clients.credential(digest)
        except NotFound as missing:
            if address is not None:
                self._unknown_keys.was_wrong(digest, address, ours=is_new_key(key))
            raise Unauthenticated("Invalid credential") from missing
        if address is not None:
            self._unknown_keys.was_right(digest)
        if credential.kind not in kinds:
            raise Unauthenticated("Invalid credential")
        return await self._principal_of(credential)

    async def _principal_of(self, credential: Credential) -> Principal:
        try:
            principal = Principal(await self._directory.server(credential.server_id), credential)
        except NotFound as missing:
            raise Unauthenticated("Invalid credential") from missing
        return await self._noted_use(principal)

    async def by_cram(self, username: str, challenge: bytes, digest: str) -> Principal:
        """The principal of a CRAM-MD5 answer (RFC 2195): HMAC-MD5 of the challenge, as lower-case hex.

        Only credentials created for it keep a key that can be compared, and only those are tried.
        """
        name = _FULL_NAME.fullmatch(username)
        if name is None:
            raise Unauthenticated("Denied")
        try:
            server = await self._clients.server_named(name[1], name[2])
        except NotFound as missing:
            raise Unauthenticated("Denied") from missing
        for credential in await self._clients.cram_credentials(server.id):
            if credential.sealed_key is None:
                continue
            key = await self._vault.open(credential.sealed_key, credential.context)
            expected = hmac.new(key, challenge, hashlib.md5).hexdigest()
            if hmac.compare_digest(expected.encode(), digest.lower().encode("utf-8", "replace")):
                return await self._noted_use(Principal(server, credential))
        raise Unauthenticated("Denied")

    async def by_address(self, address: str) -> Principal | None:
        """The principal of the SMTP-IP credential with the longest network that contains the client, if any."""
        credential = await self._clients.ip_credential(address)
        try:
            return None if credential is None else await self._principal_of(credential)
        except Unauthenticated:
            return None

    async def renew(self, principal: Principal) -> Principal:
        """The principal as it is now, for sessions that outlive it; Unauthenticated when the credential is gone."""
        server_id, credential_id = principal.server.id, principal.credential.id
        try:
            credential = await self._clients.credential_by_id(server_id, credential_id)
            if credential is None:
                raise Unauthenticated("Invalid credential")
            return Principal(await self._directory.server(server_id), credential)
        except NotFound as missing:
            raise Unauthenticated("Invalid credential") from missing

    async def _noted_use(self, principal: Principal) -> Principal:
        """Remember the use of a credential, at most once in USE_SECONDS; a store that is away keeps nobody out."""
        credential, now = principal.credential, int(self._clock.now())
        if now - self._noted.get(credential.id, credential.last_used_at or 0) < USE_SECONDS:
            return principal
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted[credential.id] = now
        try:
            await self._repository.note(CREDENTIALS, credential, last_used_at=now)
        except TemporaryFailure as away:
            LOG.warning("use not noted: %s", away.public)
        return principal
