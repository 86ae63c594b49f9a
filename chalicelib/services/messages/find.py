"""Finding the messages of a server that lists and jobs choose: live lists where there is one, else the index of mail,
which only narrows: each message is read as it stands and judged by the search itself.

What a search names by id or token, and the newest messages of each direction, are found without the index, so at once;
what else is new or has changed is found when the index was told of it. A page is bounded: one that ends before it is
full, and before everything was looked at, says how far it has looked.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import MOST_LISTED
from chalicelib.domain.search.mail_filter import MailFilter, is_of
from chalicelib.domain.search.query import Clause, Condition, Key, Pattern, Query
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore
from chalicelib.services.messages.found import FoundPage
from chalicelib.services.messages.history import LARGEST_ID, MessageHistory
from chalicelib.services.messages.names import NamesInSearches
from chalicelib.services.messages.search_index import IndexSearch

MOST_OF_RECIPIENT = 2_000
FEW = 10
_LIST = "list"


class FindMail:
    """Finds messages, a page after the other."""

    def __init__(
        self,
        messages: MessageStore,
        history: MessageHistory,
        index: MailIndex,
        names: NamesInSearches,
    ) -> None:
        self._messages = messages
        self._history = history
        self._index = index
        self._names = names

    async def page(
        self, server: ServerId, wanted: MailFilter, limit: int, position: str | None = None
    ) -> FoundPage:
        """At most `limit` messages (1 to 100) behind a position that an earlier page of the same filter ended at,
        newest first unless the search says otherwise. Only a missing position says that there are no more. Without a
        direction and without a search all that was sent comes before all that came in. Rejected for a position of
        another list."""
        if wanted.request is not None:
            return await self._of_request(server, wanted, wanted.request, limit, position)
        if wanted.recipient is not None:
            address = envelope_address(wanted.recipient) or wanted.recipient
            wanted = replace(wanted, recipient=address)
        query = await self._names.resolved(server, wanted.query)
        wanted = replace(wanted, query=query)
        numbers = await self._numbers(server, query)
        if numbers is not None:
            return await self._named(server, wanted, numbers, limit, position)
        if not query.clauses and not query.is_oldest_first:
            return await self._listed(server, wanted, limit, position)
        recipient = _only_recipient(query)
        if recipient is not None:
            return await self._of_recipient(server, wanted, recipient, limit, position)
        search = IndexSearch(self._messages, self._index, server, wanted, limit)
        return await search.page(position)

    async def _of_request(
        self,
        server: ServerId,
        wanted: MailFilter,
        request: MessageId,
        limit: int,
        position: str | None,
    ) -> FoundPage:
        """Those of a request, whose numbers follow each other from its first message on: behind the last come those of
        other requests, or numbers that nothing has yet."""
        last, found, few = _place(position or "0") or request - 1, list[MessageRecord](), FEW
        while len(found) <= limit:
            numbers = [MessageId(one) for one in range(last + 1, last + 1 + few)]
            records = await self._messages.get_many([(server, one) for one in numbers])
            of_it = [one for one in records if is_of(one, request)]
            found += sorted(filter(wanted.admits, of_it), key=_number)
            if not of_it or max(map(_number, records)) > max(map(_number, of_it)):
                break
            last, few = numbers[-1], min(MOST_LISTED, max(FEW, limit + 1 - len(found)))
        shown = tuple(found[:limit])
        return FoundPage(shown, str(_number(shown[-1])) if len(found) > limit else None)

    async def _named(
        self,
        server: ServerId,
        wanted: MailFilter,
        numbers: list[MessageId],
        limit: int,
        position: str | None,
    ) -> FoundPage:
        """Those of a few messages that are wanted."""
        records = await self._messages.get_many([(server, one) for one in numbers])
        oldest_first = wanted.query.is_oldest_first
        records.sort(key=_number, reverse=not oldest_first)
        behind = None if position is None else _place(position)
        found = [
            one
            for one in records
            if behind is None or (_number(one) > behind if oldest_first else _number(one) < behind)
            if wanted.admits(one)
        ]
        shown = tuple(found[:limit])
        return FoundPage(shown, str(_number(shown[-1])) if len(found) > limit else None)

    async def _listed(
        self, server: ServerId, wanted: MailFilter, limit: int, position: str | None
    ) -> FoundPage:
        """A page of a live list, or of one behind the other."""
        if wanted.recipient is not None:
            return await self._of_recipient(server, wanted, wanted.recipient, limit, position)
        scopes = tuple(Scope) if wanted.scope is None else (wanted.scope,)
        at, cursor = _place_in_list(position)
        if at >= len(scopes):
            raise _foreign()
        size = min(limit, MOST_LISTED)
        page = await self._history.page(
            server, scopes[at], flag=wanted.flag, limit=size, cursor=cursor
        )
        if page.next_cursor is not None:
            return FoundPage(page.values, f"{_LIST}{at}:{page.next_cursor}")
        return FoundPage(page.values, f"{_LIST}{at + 1}:" if at + 1 < len(scopes) else None)

    async def _of_recipient(
        self,
        server: ServerId,
        wanted: MailFilter,
        recipient: str,
        limit: int,
        position: str | None,
    ) -> FoundPage:
        """Those for one recipient that are wanted, as the store lists them."""
        found: list[MessageRecord] = []
        reached: float | None = None
        at, cursor = _place_in_list(position)
        if at:
            raise _foreign()
        for _ in range(max(1, MOST_OF_RECIPIENT // limit)):
            size = min(limit - len(found), MOST_LISTED)
            page = await self._messages.by_recipient(server, recipient, size, cursor)
            found += filter(wanted.admits, page.values)
            cursor = page.next_cursor
            if cursor is None:
                return FoundPage(tuple(found))
            if len(found) >= limit:
                return FoundPage(tuple(found), f"{_LIST}0:{cursor}")
            reached = min((one.message.received_at for one in page.values), default=reached)
        return FoundPage(tuple(found), f"{_LIST}0:{cursor}", reached)

    async def _numbers(self, server: ServerId, query: Query) -> list[MessageId] | None:
        """The messages of which a search names each one that it is for; None where it does not."""
        for clause in query.clauses:
            numbers = [await self._number_in(server, one) for one in clause.conditions]
            if not clause.is_negated and None not in numbers:
                return [
                    MessageId(one) for one in numbers if one is not None and 0 < one <= LARGEST_ID
                ]
        return None

    async def _number_in(self, server: ServerId, condition: Condition) -> int | None:
        if condition.key is Key.ID and isinstance(condition.value, Pattern):
            return int(condition.value.parts[0])
        if condition.key is Key.TOKEN:
            return await self._history.number_of(server, condition.name)
        return None


def _number(record: MessageRecord) -> MessageId:
    return record.message.id


def _only_recipient(query: Query) -> str | None:
    """The recipient that a search asks for, where it asks for nothing else and wants the newest first."""
    match query:
        case Query((Clause((Condition(Key.TO, Pattern((address,))),), False),), False):
            # Stores compare recipients in a simpler way than searches, which for ASCII is the same.
            return address if address and address.isascii() else None
    return None


def _place(position: str) -> int:
    if not (position.isascii() and position.isdigit()):
        raise _foreign()
    return int(position)


def _place_in_list(position: str | None) -> tuple[int, str | None]:
    """Which of the lists, and the cursor in it."""
    if position is None:
        return 0, None
    head, at, cursor = position.partition(":")
    number = head.removeprefix(_LIST)
    if not at or number == head or not (number.isascii() and number.isdigit()):
        raise _foreign()
    return int(number), cursor or None


def _foreign() -> Rejected:
    return Rejected("The position is not one of this list")
