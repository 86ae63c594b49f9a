"""Places in the send limits that refuse mail (api.md 2.16), for the recipients of the sessions of one gateway.

What was taken is used by a message that is stored, or given back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from typing import TypeVar

from chalicelib.domain.errors import MailError
from chalicelib.services.limits.at_acceptance import CountAccepted, Counted
from chalicelib.services.outgoing.store import Storable
from chalicelib.services.outgoing.submission import Prepared
from chalicelib.services.tenancy.authenticate import Principal

T = TypeVar("T")


class SendPlaces:
    """Takes them and gives them back."""

    def __init__(self, limits: CountAccepted) -> None:
        self._limits = limits
        self._giving: set[asyncio.Future[None]] = set()

    def are_wanted(self, principal: Principal) -> bool:
        """Whether mail of this client needs places. Nothing is read for it."""
        return self._limits.refuses(principal.server, principal.credential)

    async def take(self, principal: Principal) -> Counted | MailError:
        """The place of one recipient, or why there is none."""
        try:
            return await self._limits.take(principal.server, principal.credential, 1)
        except MailError as full:
            return full

    def give_back(self, places: Sequence[Counted]) -> None:
        """Give places back, while nobody waits for it."""
        for place in places:
            giving = asyncio.ensure_future(self._limits.give_back(place))
            self._giving.add(giving)
            giving.add_done_callback(self._giving.discard)

    async def use(
        self, places: list[Counted], prepared: Sequence[Storable], storing: Awaitable[T]
    ) -> T:
        """Store what leaves, the last part, with its places; those of recipients that were named twice are given back,
        and all if it is not stored, or was accepted before under its key."""
        last = prepared[-1]
        if places and isinstance(last, Prepared):
            last.limits = places[0].marks
            self.give_back(places[last.recipients :])
            del places[last.recipients :]
        try:
            stored = await storing
        except BaseException:
            self.give_back(places)
            raise
        if not last.messages:
            self.give_back(places)
        return stored
