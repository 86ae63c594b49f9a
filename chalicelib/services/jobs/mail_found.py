"""The messages of a server that a job is about, as the lists find them: both directions unless one is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.domain.search.query import EVERY_MESSAGE
from chalicelib.ports.clock import Clock
from chalicelib.services.messages.find import FindMail

SOME = 1_000
LONGEST_SECONDS = 1.0
FILTERS = frozenset({"q", "direction", "status", "to"})


def mail_filter(given: Mapping[str, Any], now: float) -> MailFilter:
    """A job's filter; what its search says of time counts from `now`. QuerySyntax."""
    direction, text = given.get("direction"), given.get("q")
    return MailFilter(
        scope=None if direction is None else Scope(direction),
        flag=given.get("status"),
        recipient=given.get("to"),
        query=EVERY_MESSAGE if text is None else parse_query(text, now),
    )


class MailFound:
    """Finds them, newest first unless the search says otherwise."""

    def __init__(self, clock: Clock, find: FindMail) -> None:
        self._clock = clock
        self._find = find

    async def some(
        self, server: ServerId, wanted: MailFilter, position: str | None = None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        """About a thousand behind a position, or what is found in a second, and the position of what follows, None
        behind the last."""
        found: list[MessageRecord] = []
        until = self._clock.monotonic() + LONGEST_SECONDS
        while len(found) < SOME:
            page = await self._find.page(server, wanted, MOST_LISTED, position)
            found += page.records
            position = page.position
            if position is None or self._clock.monotonic() >= until:
                break
        return found, position
