"""The address by which a recipient unsubscribes, kept before the message goes out, so that no address is in the world
that leads nowhere."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.model import Message
from chalicelib.domain.unsubscribe_token import unsubscribe_token
from chalicelib.ports.clock import Clock
from chalicelib.ports.unsubscribe_links import UnsubscribeLink, UnsubscribeLinks
from chalicelib.services.tenancy.address_mac import AddressMac

KEPT_DAYS = 365


class OfferUnsubscribe:
    """Makes links to unsubscribe."""

    def __init__(
        self, settings: Settings, clock: Clock, mac: AddressMac, links: UnsubscribeLinks
    ) -> None:
        self._base = settings.unsubscribe_base
        self._clock = clock
        self._mac = mac
        self._links = links

    async def url(self, message: Message, headers: Headers) -> str | None:
        """The address for a message with this header; None for one that gets no one-click fields, because it is not to,
        or has a List-Unsubscribe of its own. TemporaryFailure when it cannot be kept."""
        if not message.unsubscribe or message.bounce or headers.count(b"list-unsubscribe"):
            return None
        until = int(self._clock.now()) + KEPT_DAYS * DAY
        await self._links.keep(
            UnsubscribeLink(
                message.server_id, message.id, message.rcpt_to, message.stream_name, until
            )
        )
        token = unsubscribe_token(message.server_id, message.id, await self._mac.key())
        return f"{self._base}/u/{token}"
