"""Which send limits a message is under, as they are at this moment. Nothing is read where no credential has limits."""

from __future__ import annotations

from chalicelib.domain.limits.limit import Limit, has_credential_limits, limits_over, still_to_count
from chalicelib.domain.model import Message, Scope
from chalicelib.domain.tenancy.credentials import CREDENTIALS, Credential
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.recent import Recent


class LimitsOverMail:
    """Looks them up."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent

    async def still_to_count(self, message: Message, server: Server) -> tuple[Limit, ...]:
        """Those that have not counted the message when it was accepted. Raises TemporaryFailure."""
        credential = None
        if message.scope is Scope.OUTGOING and has_credential_limits(message):
            credential = await self._credential(server, message.origin.credential_id)
        return still_to_count(message, limits_over(server, credential))

    async def _credential(self, server: Server, credential: str) -> Credential | None:
        place = Place(of_server(server.id), credential)
        return (await self._recent.fresh(CREDENTIALS, [place])).get(place)
