"""A page of a search through the index of mail, with the newest messages live beside it.

Messages come by their numbers, which rise with the time received. Where the newest ones are, the index is not asked: it
may not know them yet. Candidates are read as they stand and judged; a page ends when it is full, when everything was
looked at, or when MOST_READ candidates were read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from chalicelib.domain.errors import Rejected
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.services.gather import gather
from chalicelib.services.messages.found import FoundPage

NEWEST = 200
"""How many of each direction are looked at live."""
MOST_READ = 10_000
AT_ONCE = 500
# A position is the number of a message, and in which of the two it stands.
_AMONG_NEWEST = "n"
_IN_INDEX = "i"


@dataclass(slots=True)
class IndexSearch:
    """One page of it."""

    messages: MessageStore
    index: MailIndex
    server: ServerId
    wanted: MailFilter
    limit: int
    found: list[MessageRecord] = field(default_factory=list)
    searched_to: float | None = None

    async def page(self, position: str | None) -> FoundPage:
        """The page behind a position; Rejected for one that is of another kind of list."""
        where, behind = _read(position)
        if self.wanted.query.is_oldest_first:
            return await self._oldest_first(where, behind)
        return await self._newest_first(where, behind)

    async def _newest_first(self, where: str, behind: MessageId | None) -> FoundPage:
        if where == _IN_INDEX:
            return await self._through_index(behind)
        newest, oldest_of_them = await self._newest()
        newest.reverse()
        rest = [one for one in newest if behind is None or one.message.id < behind]
        if (full := self._among_newest(rest)) is not None:
            return full
        if oldest_of_them is None:
            return FoundPage(tuple(self.found))
        ended = [one for one in (behind, oldest_of_them) if one is not None]
        return await self._through_index(min(ended))

    async def _oldest_first(self, where: str, behind: MessageId | None) -> FoundPage:
        newest, oldest_of_them = await self._newest()
        if where != _AMONG_NEWEST and oldest_of_them is not None:
            page = await self._through_index(behind, before=oldest_of_them)
            if page.position is not None:
                return page
        rest = [one for one in newest if behind is None or one.message.id > behind]
        return self._among_newest(rest) or FoundPage(tuple(self.found))

    def _among_newest(self, records: Iterable[MessageRecord]) -> FoundPage | None:
        """The page, where these fill it and there may be more."""
        for record in records:
            if self.wanted.admits(record):
                self.found.append(record)
                if len(self.found) >= self.limit:
                    return FoundPage(tuple(self.found), f"{_AMONG_NEWEST}{record.message.id}")
        return None

    async def _newest(self) -> tuple[list[MessageRecord], MessageId | None]:
        """The newest messages, oldest first, and the number from which on these are all there are; None where they are
        all there are anyway."""
        direction = self.wanted.direction
        scopes = tuple(Scope) if direction is None else (direction,)
        lists = await gather(self._newest_of(one) for one in scopes)
        starts = [one for _, one in lists if one is not None]
        start = max(starts, default=None)
        every = [one for records, _ in lists for one in records]
        known = [one for one in every if start is None or one.message.id >= start]
        return sorted(known, key=lambda one: one.message.id), start

    async def _newest_of(self, scope: Scope) -> tuple[list[MessageRecord], MessageId | None]:
        records: list[MessageRecord] = []
        cursor: str | None = None
        for _ in range(NEWEST // MOST_LISTED):
            page = await self.messages.page(self.server, scope, MOST_LISTED, cursor)
            records += page.values
            cursor = page.next_cursor
            if cursor is None:
                return records, None
        return records, min((one.message.id for one in records), default=None)

    async def _through_index(
        self, behind: MessageId | None, before: MessageId | None = None
    ) -> FoundPage:
        """What the index finds behind a message; `before`: up to this one, where there may be more."""
        query, read, size = self.wanted.narrowing, 0, self.limit
        while True:
            candidates = await self.index.find(
                self.server, self.wanted.direction, query, size, behind
            )
            ours = [one for one in candidates.messages if before is None or one < before]
            last = await self._read(ours)
            if last is not None:
                return FoundPage(tuple(self.found), f"{_IN_INDEX}{last}")
            is_over = len(ours) < len(candidates.messages)
            if candidates.next is None or is_over:
                return FoundPage(tuple(self.found))
            behind = candidates.next
            read, size = read + len(ours), AT_ONCE
            if candidates.searched_to is not None or read >= MOST_READ:
                reached = candidates.searched_to or self.searched_to
                return FoundPage(tuple(self.found), f"{_IN_INDEX}{behind}", reached)

    async def _read(self, messages: list[MessageId]) -> MessageId | None:
        """Judge messages; the last one looked at, where the page is full with it."""
        for record in await self.messages.get_many([(self.server, one) for one in messages]):
            self.searched_to = record.message.received_at
            if self.wanted.admits(record):
                self.found.append(record)
                if len(self.found) >= self.limit:
                    return record.message.id
        return None


def _read(position: str | None) -> tuple[str, MessageId | None]:
    """Among the newest or in the index, and behind which message; at the start in neither."""
    if position is None:
        return "", None
    where, number = position[:1], position[1:]
    if where not in (_AMONG_NEWEST, _IN_INDEX) or not (number.isascii() and number.isdigit()):
        raise Rejected("The position is not one of this list")
    return where, MessageId(int(number))
