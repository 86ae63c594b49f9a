"""Who is asking: a key, a CRAM-MD5 answer or a client address becomes a principal for one server.

The tenant always comes from the credential found here, never from what the client says about itself. A suspended
server still authenticates (contract section 3.3); whoever uses the principal decides what that means.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from chalicelib.domain.errors import NotFound, Unauthenticated
from chalicelib.domain.ids import is_new_key, key_digest
from chalicelib.domain.tenancy.credentials import CREDENTIALS, Credential, CredentialKind
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS, ManagementKey
from chalicelib.domain.tenancy.networks import is_inside
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.ports.vault import KeyVault
from chalicelib.services.tenancy.client_directory import ClientDirectory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.failed_proofs import ProofDoor, failures_told
from chalicelib.services.tenancy.last_use import LastUse
from chalicelib.services.tenancy.unknown_keys import UnknownKeys

T = TypeVar("T")

LONGEST_KEY = 256
_FULL_NAME = re.compile(r"([a-z0-9-]{1,64})[/_]([a-z0-9-]{1,64})")


class NetworkRefused(Unauthenticated):
    """The key is right, and may not be used from the client's address."""

    code = "network_refused"


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
        self._clock = clock
        self._last_use = LastUse(repository, clock)
        self._unknown_keys = UnknownKeys(clock)

    async def by_key(
        self,
        key: str,
        kinds: frozenset[CredentialKind],
        address: str = "",
        *,
        counting: bool = False,
    ) -> Principal:
        """The principal of an API or SMTP key; the user name plays no part (contract section 3.3).

        With `counting` unknown keys are counted by the client's address: TooManyUnknownKeys then means that the key was
        not looked at. Otherwise the caller does its own counting, and tells the log of failures.
        """
        counted = address if counting else None
        with failures_told(ProofDoor.API, counted):
            credential = await self._known(key, self._clients.credential, counted)
            if credential.kind not in kinds:
                raise Unauthenticated("Invalid credential")
            self._check_use(credential, address)
            return await self._principal_of(credential, address)

    async def management_key(self, key: str, address: str) -> ManagementKey:
        """The management key that a client at this address shows. Raises as `by_key` does when it counts."""
        with failures_told(ProofDoor.API, address):
            found = await self._known(key, self._clients.management_key, address)
            self._check_use(found, address)
        await self._last_use.note(MANAGEMENT_KEYS, found)
        return found

    async def _known(
        self, key: str, look_up: Callable[[str], Awaitable[T]], counted: str | None
    ) -> T:
        """What the digest of a key leads to; with an address, unknown keys are counted by it."""
        if not key or len(key) > LONGEST_KEY:
            raise Unauthenticated("Invalid credential")
        digest = key_digest(key)
        if counted is not None:
            self._unknown_keys.admit(digest, counted, ours=is_new_key(key))
        try:
            found = await look_up(digest)
        except NotFound as missing:
            if counted is not None:
                self._unknown_keys.was_wrong(digest, counted, ours=is_new_key(key))
            raise Unauthenticated("Invalid credential") from missing
        if counted is not None:
            self._unknown_keys.was_right(digest)
        return found

    def _check_use(self, key: Credential | ManagementKey, address: str) -> None:
        """Unauthenticated from its end on, NetworkRefused from an address outside its networks."""
        if key.expires_at is not None and key.expires_at <= self._clock.now():
            raise Unauthenticated("Invalid credential")
        if key.networks and not is_inside(address, key.networks):
            raise NetworkRefused("This key may not be used from this address")

    async def _principal_of(self, credential: Credential, address: str) -> Principal:
        try:
            principal = Principal(await self._directory.server(credential.server_id), credential)
        except NotFound as missing:
            raise Unauthenticated("Invalid credential") from missing
        return await self._noted_use(principal, address)

    async def by_cram(
        self, username: str, challenge: bytes, digest: str, address: str = ""
    ) -> Principal:
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
                self._check_use(credential, address)
                return await self._noted_use(Principal(server, credential), address)
        raise Unauthenticated("Denied")

    async def by_address(self, address: str) -> Principal | None:
        """The principal of the SMTP-IP credential with the longest network that contains the client, if any."""
        credential = await self._clients.ip_credential(address)
        try:
            if credential is None:
                return None
            self._check_use(credential, address)
            return await self._principal_of(credential, address)
        except Unauthenticated:
            return None

    async def renew(self, principal: Principal, address: str = "") -> Principal:
        """The principal as it is now, for sessions that outlive it; Unauthenticated when the credential is gone."""
        server_id, credential_id = principal.server.id, principal.credential.id
        try:
            credential = await self._clients.credential_by_id(server_id, credential_id)
            if credential is None:
                raise Unauthenticated("Invalid credential")
            self._check_use(credential, address)
            return Principal(await self._directory.server(server_id), credential)
        except NotFound as missing:
            raise Unauthenticated("Invalid credential") from missing

    async def _noted_use(self, principal: Principal, address: str) -> Principal:
        seen = {"last_used_address": address} if address else {}
        await self._last_use.note(CREDENTIALS, principal.credential, **seen)
        return principal
