"""The pool of addresses that each message of a submission leaves by, for all its attempts (contract section 4.15)."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.mail.address import addresses_in
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.directory import Directory


class ChoosePool:
    """What the first rule says that matches the authors or the recipient, else the server's."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory

    async def of(self, server: Server, headers: Headers, recipients: Sequence[str]) -> list[str]:
        """The pool of the message to each recipient's address, in order."""
        choice = await self._directory.pool_choice(server)
        if not choice.rules:
            return [server.pool] * len(recipients)
        senders = [one for text in headers.plain_texts("from") for one in addresses_in(text)]
        return [choice.pool_for(senders, one) or server.pool for one in recipients]
