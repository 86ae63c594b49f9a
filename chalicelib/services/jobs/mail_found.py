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
from chalicelib.ports.messages import MessageStore

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
    """Finds them, newest first, by looking at all that the list of a direction, a flag or a recipient has."""

    def __init__(self, clock: Clock, messages: MessageStore) -> None:
        self._clock = clock
        self._messages = messages

    async def some(
        self, server: ServerId, wanted: MailFilter, position: str | None = None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        """About a thousand behind a position, or what is found in a second, and the position of what follows, None
        behind the last."""
        found: list[MessageRecord] = []
        until = self._clock.monotonic() + LONGEST_SECONDS
        while len(found) < SOME:
            records, position = await self._page(server, wanted, position)
            found += filter(wanted.admits, records)
            if position is None or self._clock.monotonic() >= until:
                break
        return found, position

    async def _page(
        self, server: ServerId, wanted: MailFilter, position: str | None
    ) -> tuple[Sequence[MessageRecord], str | None]:
        """A page of a live list, or of one behind the other."""
        if wanted.recipient is not None:
            page = await self._messages.by_recipient(
                server, wanted.recipient, MOST_LISTED, position
            )
            return page.values, page.next_cursor
        scopes = tuple(Scope) if wanted.direction is None else (wanted.direction,)
        at, _, cursor = (position or "0:").partition(":")
        number, after = int(at), cursor or None
        if wanted.flag is None:
            page = await self._messages.page(server, scopes[number], MOST_LISTED, after)
        else:
            page = await self._messages.flagged(
                server, scopes[number], wanted.flag, MOST_LISTED, after
            )
        if page.next_cursor is not None:
            return page.values, f"{number}:{page.next_cursor}"
        return page.values, f"{number + 1}:" if number + 1 < len(scopes) else None
