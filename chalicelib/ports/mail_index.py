"""What the messages of each server can be found by, kept apart from the messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.query import Query

MOST_LOOKED_AT = 100_000


@dataclass(frozen=True, slots=True)
class Candidates:
    """Messages that may be wanted, in the order asked for. `next` is the message behind which to go on, None at the
    end. Where the look ended before there were as many as asked for, `next` is the last one looked at and `searched_to`
    when that was received (epoch seconds)."""

    messages: tuple[MessageId, ...]
    next: MessageId | None = None
    searched_to: float | None = None


class MailIndex(Protocol):
    """An index may lag by a minute, knows of a message what it was last told, and finds all that this makes a query
    hold for; it may find more. Whoever asks reads each message and judges it."""

    async def put(self, found: Sequence[Findable]) -> None:
        """Note what messages can be found by from now on, in place of what was known of them with a smaller or the same
        version. Telling the same again changes nothing. Durable on return."""

    async def find(
        self,
        server: ServerId,
        scope: Scope | None,
        query: Query,
        limit: int,
        after: MessageId | None = None,
    ) -> Candidates:
        """Candidates behind a message in the query's order (by number: newest first or oldest first), at most `limit`
        (at least one). Where no term narrows the search, at most MOST_LOOKED_AT messages are looked at."""

    async def forget(
        self, server: ServerId, messages: Sequence[MessageId], *, words_later: bool = False
    ) -> None:
        """Forget these messages: when this returns, nothing that was told of them lies in the index, neither as a word
        nor as an address, but what an object store keeps as an older version. With `words_later` it is written down
        that they are forgotten, and they are gone within a day."""

    async def forget_server(self, server: ServerId) -> int:
        """Forget some of what was told of a server; 0 when all of it is forgotten, and gone within a day."""

    async def tidy(self, seconds: float) -> int:
        """Do for about so many seconds what keeps searches quick and takes out what was to be forgotten later; how many
        pieces the index lies in."""
