"""Over how many partitions the messages of a server are spread, by the server's own setting."""

from __future__ import annotations

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.recent import Recent


class Shards:
    """Asked for a server, tells the number: one for a server that is not known."""

    def __init__(self, recent: Recent) -> None:
        self._recent = recent

    async def __call__(self, server: ServerId) -> int:
        found = await self._recent.get(SERVERS, Place(of_server(server)))
        return 1 if found is None else found.shards
