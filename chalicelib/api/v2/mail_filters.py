"""Which messages a request chooses: what lists take (api.md 2.19), as the filter that finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import mailbox_of
from chalicelib.api.v2.models import EmailQuery
from chalicelib.api.v2.problems import Throttled
from chalicelib.api.v2.rates import count
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.rates import SEARCH
from chalicelib.domain.search.mail_filter import MailFilter
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.clock import Clock

MOST_AT_ONCE = 8


def filter_of(call: Call, query: EmailQuery) -> MailFilter:
    """The filter of a list. QuerySyntax for a search that cannot be read. With a recipient both directions are meant,
    unless one is named beside a search."""
    is_named = "direction" in query.model_fields_set
    if query.request is not None:
        scope = query.direction if is_named else None
        return MailFilter(scope=scope, request=MessageId(query.request))
    is_told = query.q is not None and is_named
    return MailFilter(
        scope=query.direction if query.to is None or is_told else None,
        flag=query.status.value if query.status else None,
        recipient=mailbox_of(query.to).address if query.to else None,
        query=parse_query(query.q or "", call.program[Clock].now()),
    )


class SearchesAtOnce:
    """How many searches of each tenant are made at this moment, in this process."""

    def __init__(self) -> None:
        self._running: Counter[ServerId] = Counter()

    @contextmanager
    def one(self, owner: ServerId) -> Iterator[None]:
        """While this lasts one is made. Throttled when there are as many as there may be."""
        if self._running[owner] >= MOST_AT_ONCE:
            raise Throttled(f"At most {MOST_AT_ONCE} searches of a server at a time")
        self._running[owner] += 1
        try:
            yield
        finally:
            self._running[owner] -= 1
            self._running += Counter()  # keeps those above zero alone


@asynccontextmanager
async def searching(call: Call, wanted: MailFilter) -> AsyncIterator[None]:
    """Count a search that has to be looked for, and have its place while it is made. RateExceeded, Throttled."""
    if wanted.is_cheap:
        yield
        return
    async with looking(call, call.server.id):
        yield


@asynccontextmanager
async def looking(call: Call, owner: ServerId) -> AsyncIterator[None]:
    """Count what has to be looked for among all that a tenant has, and have its place meanwhile. RateExceeded,
    Throttled."""
    await count(call, SEARCH, call.tenant.name if call.tenant else "")
    with call.program[SearchesAtOnce].one(owner):
        yield
