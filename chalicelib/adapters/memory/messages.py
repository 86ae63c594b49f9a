"""Messages kept in the process, with the same conditions as a real store.

Records are immutable values, kept and handed out without copying. Each verb runs to its end without awaiting, so that
it is atomic among coroutines of one event loop; several threads must not share a store.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.adapters.storage.listing import (
    NEWEST_KEPT,
    added_deliveries,
    counts_against_recipient,
    due_at,
    flag_of,
    recipient_key,
)
from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import (
    Delivery,
    DeliveryJob,
    Message,
    MessageId,
    MessageRecord,
    Page,
    Scope,
    State,
)
from chalicelib.domain.tenancy.entities import ServerId
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore

_Key = tuple[ServerId, MessageId]


class MemoryMessageStore(MessageStore):
    """The `MessageStore` port in memory."""

    def __init__(self) -> None:
        self._records: dict[_Key, MessageRecord] = {}
        self._logs: dict[_Key, tuple[Delivery, ...]] = {}
        self._due: dict[_Key, int] = {}
        self._by_scope: dict[tuple[ServerId, Scope], list[int]] = {}
        self._by_recipient: dict[tuple[ServerId, str], list[int]] = {}

    def __len__(self) -> int:
        return len(self._records)

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Store new messages; see the port."""
        return [self._create(message) for message in messages]

    async def claim(
        self, job: DeliveryJob, owner: str, now: int, lease_until: int
    ) -> MessageRecord | ClaimRefused:
        """Lease a record for an attempt; see the port."""
        key = (job.message.server_id, job.message.id)
        record = self._records.get(key)
        if record is None:
            self._create(job.message)
            record = replace(self._records[key], attempt=job.attempt)
        reason = _refusal(record, job, now)
        if reason is not None:
            return ClaimRefused(reason, record)
        leased = replace(
            record,
            state=State.LEASED,
            lease_owner=owner,
            lease_until=lease_until,
            by_sweeper=False,
            taken_over=record.state is State.LEASED,
        )
        self._records[key] = leased
        self._due.pop(key, None)
        return leased

    async def replace(self, before: MessageRecord, after: MessageRecord) -> bool:
        """Write `after` over `before`; see the port."""
        key = (before.message.server_id, before.message.id)
        stored = self._records.get(key)
        if stored is None or _generation(stored) != _generation(before):
            return False
        log = self._logs.get(key, ()) + added_deliveries(before, after)
        self._logs[key] = log
        self._records[key] = replace(
            after,
            message=stored.message,
            deliveries=log[-NEWEST_KEPT:],
            taken_over=after.taken_over and after.state is State.LEASED,
            opened_at=stored.opened_at,
            clicked_at=stored.clicked_at,
        )
        when = due_at(after)
        if when is None:
            self._due.pop(key, None)
        else:
            self._due[key] = when
        return True

    async def get(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> MessageRecord:
        """The record; NotFound."""
        record = self._records.get((server, message))
        if record is None or scope not in (None, record.message.scope):
            raise NotFound("There is no such message")
        return record

    async def get_many(self, refs: Sequence[tuple[ServerId, MessageId]]) -> list[MessageRecord]:
        """The records that exist, in the order asked."""
        return [self._records[ref] for ref in refs if ref in self._records]

    async def deliveries(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> tuple[Delivery, ...]:
        """The whole log, oldest first."""
        record = self._records.get((server, message))
        if record is None or scope not in (None, record.message.scope):
            return ()
        return self._logs.get((server, message), ())

    async def page(
        self, server: ServerId, scope: Scope, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first."""
        ids = self._by_scope.get((server, scope), [])
        return self._page(server, ids, f"S#{server}#{scope}", limit, cursor)

    async def flagged(
        self, server: ServerId, scope: Scope, flag: str, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first, only records with this flag."""
        ids = self._by_scope.get((server, scope), [])
        partition = f"S#{server}#{scope}#{flag}"
        return self._page(
            server, ids, partition, limit, cursor, lambda record: flag_of(record) == flag
        )

    async def by_recipient(
        self, server: ServerId, address: str, limit: int, cursor: str | None = None
    ) -> Page:
        """Newest first, only records for this recipient."""
        recipient = recipient_key(address)
        ids = self._by_recipient.get((server, recipient), [])
        return self._page(server, ids, f"S#{server}#R#{recipient}", limit, cursor)

    async def due(self, now: int, limit: int) -> list[MessageRecord]:
        """Records to wake, earliest first."""
        ready = sorted((when, key) for key, when in self._due.items() if when <= now)
        return [self._records[key] for _, key in ready[:limit]]

    async def clear_due(self, record: MessageRecord) -> bool:
        """Let a record wait for the sweeper no longer if its attempt is the same."""
        key = (record.message.server_id, record.message.id)
        stored = self._records.get(key)
        if stored is None or stored.attempt != record.attempt:
            return False
        self._due.pop(key, None)
        self._records[key] = replace(stored, by_sweeper=False)
        return True

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many messages for this recipient failed for good since then."""
        ids = self._by_recipient.get((server, recipient_key(address)), [])
        records = (self._records[server, MessageId(number)] for number in ids)
        return sum(
            counts_against_recipient(record) and record.message.received_at >= since
            for record in records
        )

    def note_event(self, server: ServerId, message: MessageId, hit: EngagementEvent) -> None:
        """Note on a message when it was first opened and last clicked; nothing when it is gone."""
        record = self._records.get((server, message))
        if record is None:
            return
        if hit.kind is EngagementKind.OPEN:
            record = replace(record, opened_at=record.opened_at or hit.at)
        else:
            record = replace(record, clicked_at=max(record.clicked_at or 0, hit.at))
        self._records[server, message] = record

    def _create(self, message: Message) -> bool:
        key = (message.server_id, message.id)
        stored = self._records.get(key)
        if stored is not None:
            return stored.message.token == message.token
        self._records[key] = MessageRecord(message)
        insort(self._by_scope.setdefault((message.server_id, message.scope), []), message.id)
        recipient = (message.server_id, recipient_key(message.rcpt_to))
        insort(self._by_recipient.setdefault(recipient, []), message.id)
        return True

    def _page(
        self,
        server: ServerId,
        ids: list[int],
        partition: str,
        limit: int,
        cursor: str | None,
        wanted: Callable[[MessageRecord], bool] = lambda record: True,
    ) -> Page:
        end = len(ids) if cursor is None else bisect_left(ids, parse_cursor(partition, cursor))
        found = list(_first(self._descending(server, ids, end, wanted), limit + 1))
        more = len(found) > limit
        records = tuple(found[:limit])
        last = records[-1].message.id if records else 0
        return Page(records, render_cursor(partition, last) if more else None)

    def _descending(
        self, server: ServerId, ids: list[int], end: int, wanted: Callable[[MessageRecord], bool]
    ) -> Iterable[MessageRecord]:
        for index in range(end - 1, -1, -1):
            record = self._records[server, MessageId(ids[index])]
            if wanted(record):
                yield record


def _refusal(record: MessageRecord, job: DeliveryJob, now: int) -> ClaimFailure | None:
    if record.message.token != job.message.token:
        return ClaimFailure.COLLISION
    if record.attempt != job.attempt or record.state not in (State.WAITING, State.LEASED):
        return ClaimFailure.STALE
    if record.state is State.LEASED and record.lease_until > now:
        return ClaimFailure.LEASED
    return None


def _generation(record: MessageRecord) -> tuple[int, State, str]:
    return record.attempt, record.state, record.lease_owner


def _first(records: Iterable[MessageRecord], count: int) -> Iterable[MessageRecord]:
    for number, record in enumerate(records):
        if number == count:
            return
        yield record
