"""An index of mail that is a dictionary, for tests of those who ask one. It knows what a real one does: terms and the
time received, nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable
from chalicelib.domain.search.index_terms import terms_of, wanted_by
from chalicelib.domain.search.query import Query
from chalicelib.domain.search.received import received_within
from chalicelib.ports.mail_index import Candidates, MailIndex


class MemoryMailIndex(MailIndex):
    """`most_looked_at` is how many messages one search looks at."""

    def __init__(self, most_looked_at: int = 100_000) -> None:
        self.most_looked_at = most_looked_at
        self.known: dict[tuple[ServerId, MessageId], Findable] = {}
        self.asked = 0

    async def put(self, found: Sequence[Findable]) -> None:
        for one in found:
            before = self.known.get((one.server, one.message))
            if before is None or before.version <= one.version:
                self.known[one.server, one.message] = one

    async def find(
        self,
        server: ServerId,
        scope: Scope | None,
        query: Query,
        limit: int,
        after: MessageId | None = None,
    ) -> Candidates:
        self.asked += 1
        wanted, within, looked = wanted_by(query), received_within(query), 0
        found: list[MessageId] = []
        ours = sorted(number for whose, number in self.known if whose == server)
        for number in ours if query.is_oldest_first else reversed(ours):
            if after is not None and (
                number <= after if query.is_oldest_first else number >= after
            ):
                continue
            one = self.known[server, number]
            looked += 1
            terms = terms_of(one)
            is_ours = scope in (None, one.scope) and within.has(one.received_at)
            if is_ours and all(each.is_met_by(terms) for each in wanted):
                found.append(number)
            if len(found) == limit:
                return Candidates(tuple(found), number)
            if looked == self.most_looked_at:
                return Candidates(tuple(found), number, one.received_at)
        return Candidates(tuple(found))

    async def forget(
        self, server: ServerId, messages: Sequence[MessageId], *, words_later: bool = False
    ) -> None:
        for one in messages:
            self.known.pop((server, one), None)

    async def forget_server(self, server: ServerId) -> int:
        await self.forget(server, [number for whose, number in self.known if whose == server])
        return 0

    async def tidy(self, seconds: float) -> int:
        return 1
