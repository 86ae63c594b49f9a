"""A message for whoever has the address of a view of it: what the address allows, and the bytes (ADR 72, ADR 75)."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import ServerId
from chalicelib.services.messages.history import MessageHistory
from chalicelib.services.tenancy.directory import Directory
from chalicelib.services.tenancy.view_links import View, ViewLinks


class ShownMail:
    """Reads what addresses of views are of."""

    def __init__(self, links: ViewLinks, directory: Directory, history: MessageHistory) -> None:
        self._links = links
        self._directory = directory
        self._history = history

    async def of(self, token: str, host: str) -> tuple[View, bytes]:
        """The view of a token that was asked for at a host, and its message. NotFound, for a message, server or content
        that is gone too."""
        view = await self._links.read(token, host)
        server = await self._directory.server(ServerId(view.server))
        content = await self._history.content(await self._history.record(server.id, view.message))
        if content is None:
            raise NotFound("The content of this message is not kept any more")
        return view, content
