"""Tells the index of mail what messages can be found by: a consumer of the outbox.

A change that does not show its message has it read from the store, as it stands by then; one that is gone is not told
of, and neither is a change that a message is found by as before, such as that a worker has it in hand. So is a change
that is told late: what was forgotten since must not come back by it. An index takes the same twice and passes over what
is older than what it knows, so that nothing is counted here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.changes import Change, HitAdded, LogEntry, MessageChange, Operated
from chalicelib.domain.groups import MessageOf
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.search.findable import Findable, findable_of, version_of
from chalicelib.ports.clock import Clock
from chalicelib.ports.mail_index import MailIndex
from chalicelib.ports.messages import MessageStore

LATE_SECONDS = 300
"""What is told later than this is read from the store: streams keep what they could not hand over for a day."""


class IndexMail:
    """Puts messages that were stored or have changed into the index."""

    def __init__(self, clock: Clock, messages: MessageStore, index: MailIndex) -> None:
        self._clock = clock
        self._messages = messages
        self._index = index

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Tell of changes of one source; taking the same changes again tells of the same messages."""
        told: dict[MessageOf, Findable] = {}
        hidden: dict[MessageOf, None] = {}
        late = self._clock.now() - LATE_SECONDS
        for change in changes:
            match change:
                case MessageChange(before=before, after=after):
                    found = findable_of(after)
                    if before is not None and version_of(before) >= found.version:
                        continue
                    if _last_moment(after) < late:
                        hidden[found.server, found.message] = None
                    else:
                        told[found.server, found.message] = found
                case LogEntry() | HitAdded() | Operated():
                    hidden[change.server, change.message] = None
        unknown = [one for one in hidden if one not in told]
        records = await self._messages.get_many(unknown) if unknown else []
        found_by = [*told.values(), *map(findable_of, records)]
        if found_by:
            await self._index.put(found_by)
        return {}


def _last_moment(record: MessageRecord) -> float:
    """When a message was accepted or last tried: no change of it came earlier."""
    log = (one.at for one in record.deliveries)
    return max((record.message.received_at, record.last_attempt_at or 0, *log))
