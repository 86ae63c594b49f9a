"""Messages kept in the process, with the same conditions as a real store.

Records are immutable values, kept and handed out without copying. Each verb runs to its end without awaiting, so that
it is atomic among coroutines of one event loop; several threads must not share a store.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.adapters.storage.listing import (
    NEWEST_KEPT,
    added_deliveries,
    counts_against_recipient,
    due_at,
    recipient_key,
)
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.messages import ClaimFailure, ClaimRefused

_Key = tuple[ServerId, MessageId]


class MemoryMessageStore:
    """Of the `MessageStore` port what accepting and delivering need. It fills the index of lists that nobody asks for,
    as any store must."""

    def __init__(self) -> None:
        self._records: dict[_Key, MessageRecord] = {}
        self._logs: dict[_Key, tuple[Delivery, ...]] = {}
        self._due: dict[_Key, int] = {}
        self._by_scope: dict[tuple[ServerId, Scope], list[int]] = {}
        self._by_recipient: dict[tuple[ServerId, str], list[int]] = {}

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

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many messages for this recipient failed for good since then."""
        ids = self._by_recipient.get((server, recipient_key(address)), [])
        records = (self._records[server, MessageId(number)] for number in ids)
        return sum(
            counts_against_recipient(record) and record.message.received_at >= since
            for record in records
        )

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
