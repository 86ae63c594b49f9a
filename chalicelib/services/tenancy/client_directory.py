"""Whose credential it is that a client shows, answered from the recent configuration as `directory` answers."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.credentials import (
    BY_KEY,
    BY_NETWORK,
    CREDENTIALS,
    Credential,
    CredentialKind,
)
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.management_keys import (
    BY_MANAGEMENT_KEY,
    MANAGEMENT_KEYS,
    ManagementKey,
)
from chalicelib.domain.tenancy.networks import narrowest
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import (
    ALL_NETWORKS,
    ALL_ORGANIZATIONS,
    of_key,
    of_organization,
    of_server,
)
from chalicelib.domain.tenancy.servers import BY_PERMALINK, SERVERS, Server
from chalicelib.ports.recent import Recent
from chalicelib.ports.repository import Repository


class ClientDirectory:
    """Credentials by what clients show: a key, a user name, an address."""

    def __init__(self, repository: Repository, recent: Recent) -> None:
        self._repository = repository
        self._recent = recent

    async def server_named(self, organization: str, server: str) -> Server:
        """By permalinks; NotFound."""
        question = ("named", organization, server)
        found = await self._recent.ask(question, lambda: self._named(organization, server))
        return SERVERS.known(found)

    async def server_named_now(self, organization: str, server: str) -> Server:
        """The same, for callers who may have made it a moment ago; NotFound when there is none at this moment."""
        try:
            return await self.server_named(organization, server)
        except NotFound:
            question = ("named", organization, server)
            found = await self._recent.ask_now(question, lambda: self._named(organization, server))
        return SERVERS.known(found)

    async def _named(self, organization: str, server: str) -> Server:
        place = Place(ALL_ORGANIZATIONS, organization)
        owner = of_organization((await self._repository.get(ORGANIZATIONS, place)).id)
        return await self._repository.find(SERVERS, BY_PERMALINK, Place(owner, server))

    async def credential(self, digest: str) -> Credential:
        """By the SHA-256 hex digest of the key; NotFound. One read."""

        async def read() -> Credential:
            place = Place(of_key(digest))
            return await self._repository.find(CREDENTIALS, BY_KEY, place, fresh=False)

        return CREDENTIALS.known(await self._recent.ask(("key", digest), read))

    async def management_key(self, digest: str) -> ManagementKey:
        """By the SHA-256 hex digest of the key; NotFound. One read."""

        async def read() -> ManagementKey:
            place = Place(of_key(digest))
            return await self._repository.find(
                MANAGEMENT_KEYS, BY_MANAGEMENT_KEY, place, fresh=False
            )

        return MANAGEMENT_KEYS.known(await self._recent.ask(("management key", digest), read))

    async def cram_credentials(self, server: ServerId) -> tuple[Credential, ...]:
        """SMTP credentials of a server that keep a sealed key."""

        async def read() -> list[Credential]:
            return await self._repository.all(CREDENTIALS, of_server(server))

        found = await self._recent.ask(("credentials", server), read)
        return tuple(
            credential
            for credential in found or ()
            if credential.kind is CredentialKind.SMTP and credential.sealed_key is not None
        )

    async def ip_credential(self, address: str) -> Credential | None:
        """The SMTP-IP credential with the longest network containing this address (contract section 3.3), of a server
        that is there."""

        async def read() -> list[Credential]:
            return await self._repository.all(CREDENTIALS, ALL_NETWORKS, BY_NETWORK, fresh=False)

        known = await self._recent.ask(("networks",), read) or []
        while (found := narrowest(known, address)) is not None:
            number = found.server_id
            if await self._recent.get(SERVERS, Place(of_server(number))) is not None:
                break
            known = [one for one in known if one.server_id != number]
        return found

    async def credential_by_id(self, server: ServerId, credential: str) -> Credential | None:
        """A credential of a server by its public id."""
        return await self._recent.get(CREDENTIALS, Place(of_server(server), credential))
