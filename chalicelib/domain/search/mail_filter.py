"""What lists and jobs choose messages by: direction, a flag, a recipient and a search, all of which must hold."""

from __future__ import annotations

from dataclasses import dataclass, replace

from chalicelib.domain.flags import flag_of
from chalicelib.domain.model import MessageRecord, Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.search.findable import findable_of
from chalicelib.domain.search.judge import holds
from chalicelib.domain.search.query import EVERY_MESSAGE, Clause, Condition, Key, Pattern, Query
from chalicelib.domain.search.words import fold

_CHEAP = frozenset({Key.ID, Key.TOKEN, Key.TO, Key.MSGID})
_STATUSES = {
    "held": ("held",),
    "queued": ("softfail", "error"),
    "scheduled": ("scheduled",),
    "failed": ("hardfail",),
    "bounced": ("bounced",),
}
"""The states that messages with a flag have; others may have them too."""


@dataclass(frozen=True, slots=True)
class MailFilter:
    """None is any; `flag` is one of `domain.flags.FLAGS`, `recipient` an address as envelopes have it, `request` the
    first message of a request."""

    scope: Scope | None = None
    flag: str | None = None
    recipient: str | None = None
    request: MessageId | None = None
    query: Query = EVERY_MESSAGE

    @property
    def direction(self) -> Scope | None:
        """The direction that counts: a Message-ID is looked for in both."""
        asked = (one for one in self.query.clauses if not one.is_negated)
        of_id = any(one.key is Key.MSGID for clause in asked for one in clause.conditions)
        return None if of_id else self.scope

    @property
    def is_cheap(self) -> bool:
        """Whether it is known at once where what is searched for lies."""
        keys = {one.key for clause in self.query.clauses for one in clause.conditions}
        return keys <= _CHEAP

    @property
    def narrowing(self) -> Query:
        """The query with what an index can know of the rest."""
        clauses = self.query.clauses
        if self.recipient is not None:
            clauses += (_clause(Key.TO, fold(self.recipient)),)
        if self.flag is not None:
            clauses += (_clause(Key.STATUS, *_STATUSES[self.flag]),)
        return replace(self.query, clauses=clauses)

    def admits(self, record: MessageRecord) -> bool:
        """Whether a message is one of them as it stands."""
        if self.direction not in (None, record.message.scope):
            return False
        if self.flag is not None and flag_of(record) != self.flag:
            return False
        if self.request is not None and not is_of(record, self.request):
            return False
        if self.recipient is not None and fold(self.recipient) != fold(record.message.rcpt_to):
            return False
        return not self.query.clauses or holds(self.query, findable_of(record))


def is_of(record: MessageRecord, request: MessageId) -> bool:
    """Whether a message came with the request that has this first message."""
    return request in (record.message.id, record.message.request)


def _clause(key: Key, *values: str) -> Clause:
    return Clause(tuple(Condition(key, Pattern((one,))) for one in values))
