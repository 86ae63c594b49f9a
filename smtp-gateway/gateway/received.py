"""The Received field that goes in front of a session's messages (contract section 3.10), with the client's PTR name.

The name is asked for at connect and waited for a short time, once. What the field says of a message is
`chalicelib.domain.mail.received`.
"""

from __future__ import annotations

import asyncio

from chalicelib.domain.mail.received import received_field
from gateway.clients import Peer
from gateway.site import Site


class ReceivedField:
    """The field of one session; the same for all its messages of one second."""

    def __init__(self, site: Site, peer: Peer) -> None:
        self._site = site
        self._address = peer.address
        self._field = b""
        self._made_for: tuple[str, str, bool] | None = None
        self._name = asyncio.ensure_future(site.services.resolver.ptr(peer.address))

    def close(self) -> None:
        """Ask no longer for the name."""
        self._name.cancel()

    async def render(self, helo: str, privacy: bool) -> bytes:
        """The field for a message that has come whole just now."""
        wanted = (self._site.date(), helo, privacy)
        if self._made_for != wanted:
            self._made_for, self._field = (
                wanted,
                received_field(
                    helo=helo,
                    peer_name=await self.peer_name(),
                    peer_address=self._address,
                    by=self._site.hostname,
                    protocol="SMTP",
                    date=wanted[0],
                    privacy=privacy,
                ),
            )
        return self._field

    async def peer_name(self) -> str | None:
        """The client's first PTR name; None when unknown."""
        name = self._name
        if not name.done():
            await asyncio.wait((name,), timeout=self._site.configuration.ptr_seconds)
            if not name.done():
                name.cancel()
                await asyncio.wait((name,))
        if name.cancelled() or name.exception() is not None:
            return None
        return next(iter(name.result()), None)
