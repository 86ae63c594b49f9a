"""Unsubscribing by the link in a message (RFC 8058).

A token is checked before anything is read, and what it leads to before anything is written: one that is forged, cut,
over or of a server that was removed changes nothing. A server that is suspended still lets its recipients go.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from chalicelib.domain.changes import Mark
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Scope
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.suppression import Reason, Suppression
from chalicelib.domain.suppression_told import told_of
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.unsubscribe_token import read_unsubscribe_token
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.services.suppress import SuppressRecipients
from chalicelib.services.tenancy.address_mac import AddressMac
from chalicelib.services.tenancy.directory import Directory

NO_LINK = "This link does not work, or does not work any more"


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers: its recipient's mail of a stream to end, from this server."""

    link: UnsubscribeLink
    server: Server


class Unsubscribe:
    """The two halves of unsubscribing: being asked, and doing it."""

    def __init__(
        self,
        clock: Clock,
        mac: AddressMac,
        links: UnsubscribeLinks,
        directory: Directory,
        suppress: SuppressRecipients,
        messages: MessageStore,
    ) -> None:
        self._clock = clock
        self._mac = mac
        self._links = links
        self._directory = directory
        self._suppress = suppress
        self._messages = messages

    async def offer(self, token: str) -> Offer:
        """What a token is for; changes nothing. NotFound, TemporaryFailure."""
        named = read_unsubscribe_token(token, await self._mac.key())
        if named is None:
            raise NotFound(NO_LINK)
        link = await self._links.get(*named, self._clock.now())
        return Offer(link, await self._directory.server(link.server))

    async def accept(self, offer: Offer, *, whole_server: bool) -> None:
        """Suppress the recipient, in the stream or for the whole server, and have that told; once more changes nothing.
        That it was told stands with the message, or where that is gone with the link. TemporaryFailure, and then it may
        be done again."""
        link, stream = offer.link, None if whole_server else offer.link.stream
        server, message, now = link.server, link.message, self._clock.now()
        entry = await self._suppress.add(
            offer.server, link.recipient, Reason.UNSUBSCRIBE, message, stream=stream
        )
        detail, kind = _detail(entry), EventType.EMAIL_UNSUBSCRIBED
        if await self._messages.get_many([(server, message)]):
            await self._messages.mark(
                server, message, Scope.OUTGOING, Mark.UNSUBSCRIBED, now, detail
            )
        else:
            gone = Occurrence(kind, server, now, str(message), detail=detail)
            await self._links.mark(link, now, (gone,))


def _detail(entry: Suppression) -> str:
    return json.dumps(told_of(entry), separators=(",", ":"), ensure_ascii=False)
