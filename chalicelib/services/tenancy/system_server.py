"""The server by which the installation itself writes to people, and whose domains its mail is from."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.model import SYSTEM_CREDENTIAL
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.client_directory import ClientDirectory

OFF = "This installation sends no system mail: POSTHORN_SYSTEM_SERVER is not set"


class SystemServer:
    """Finds it."""

    def __init__(self, settings: Settings, clients: ClientDirectory) -> None:
        self._name = settings.system_server
        self._clients = clients

    @property
    def is_named(self) -> bool:
        """Whether the settings name one."""
        return bool(self._name)

    async def find(self) -> Server:
        """The server; TemporaryFailure where none is named, or that is not there."""
        if not self.is_named:
            raise TemporaryFailure(OFF)
        organization, _, name = self._name.partition("/")
        try:
            return await self._clients.server_named(organization, name)
        except NotFound as missing:
            raise TemporaryFailure("The server for system mail is not there") from missing

    async def whose_domains(self, server: Server, credential: str) -> Server:
        """Whose domains a message may be from that a credential submits to a server: the server's own, and of what the
        installation itself writes, wherever it is kept, those of its server. TemporaryFailure."""
        if credential != SYSTEM_CREDENTIAL or not self.is_named:
            return server
        return await self.find()
