"""Messages in DynamoDB: creation, claims and outcomes.

Each change of state is one conditional update; a condition that fails brings back the item, so that no second read is
needed. Every write carries a random mark: when the SDK repeats a write whose answer was lost, the mark tells that the
first one held. A server's `shards` must not change once it has messages, because the shard follows from the id.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

from chalicelib.adapters.aws.dynamo.reads import MessageReads
from chalicelib.adapters.aws.dynamo.records import (
    MARK,
    OPERATION,
    message_item,
    older_delivery_item,
    operation_attribute,
    read_record,
)
from chalicelib.adapters.aws.dynamo.shards import Shards
from chalicelib.adapters.aws.dynamo.table import Item, Key, Table, Written
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.listing import NEWEST_KEPT, added_deliveries
from chalicelib.config import Settings
from chalicelib.domain import lifecycle
from chalicelib.domain.changes import Mark
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, MessageStore
from chalicelib.ports.rand import Rand

# What a change of state may write. Of the rest only `oa`, `ca`, `po`, `pc`, `c1`, `u1`, `mk` and `rs` ever change, and
# opens, clicks, marks and resent messages alone write them.
MUTABLE = (
    *("st", "ss", "a", "tr", "lr", "lo", "lu", "w", "h", "hx"),
    *("la", "ps", "l", "n", "fk", "dk", "du", "lk", OPERATION),
    *("iq", "bo", "rp", "ba", "re", "se", "rx", "s1", "f1", "pv", "lc", "lh", "jb", "ck"),
)

_NEW = "attribute_not_exists(PK)"
# Operands are the values before the update, so that the item tells whether a lease was taken over.
_CLAIM = "SET ps = ss, ss = :leased, lo = :owner, lu = :until, n = :write REMOVE dk, du"
_CLAIMABLE = "t = :token AND a = :attempt AND (ss = :waiting OR (ss = :leased AND lu <= :now))"
_RESENT = "SET rs = list_append(if_not_exists(rs, :none), :one)"
_NOT_RESENT = "attribute_exists(PK) AND NOT contains(rs, :number)"
_MARK = {Mark.COMPLAINED: "c1", Mark.UNSUBSCRIBED: "u1"}
_RACES = 5
_BUSY = "The message is being changed by others, try again later"


class DynamoMessageStore(MessageReads, MessageStore):
    """The `MessageStore` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings, rand: Rand, shards: Shards) -> None:
        super().__init__(Table(session, settings.mail_table), shards)
        self._rand = rand

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Store new messages, in parallel; see the port."""
        return list(await asyncio.gather(*(self._create(message) for message in messages)))

    async def claim(
        self, job: DeliveryJob, owner: str, now: int, lease_until: int
    ) -> MessageRecord | ClaimRefused:
        """Lease a record for an attempt: one update, or (no item yet) an update and a put; see the port."""
        message = job.message
        key = await self._key(message.server_id, message.scope, message.id)
        write = self._mark()
        for _ in range(_RACES):
            written = await self._lease(key, job, owner, now, lease_until, write)
            if not written.held and not written.item:
                leased = MessageRecord(
                    message,
                    state=State.LEASED,
                    attempt=job.attempt,
                    lease_owner=owner,
                    lease_until=lease_until,
                )
                written = await self._put(leased, write)
                if not written.held and not _is_ours(written, write):
                    continue  # somebody created it in between: now there is something to claim
            record = read_record(written.item)
            if written.held or _is_ours(written, write):
                return record
            return ClaimRefused(_refusal(record, job), record)
        raise TemporaryFailure(_BUSY)

    async def replace(
        self, before: MessageRecord, after: MessageRecord, operation: Operation | None = None
    ) -> bool:
        """Write `after` over `before` by one update; see the port."""
        message = before.message
        key = await self._key(message.server_id, message.scope, message.id)
        added = added_deliveries(before, after)
        kept = before.deliveries[-NEWEST_KEPT:]
        write = self._mark()
        for _ in range(_RACES):
            log = kept + tuple(one for one in added if one not in kept)
            moved = log[:-NEWEST_KEPT]
            # Those already in the log are written elsewhere before they leave the item; new ones only once they count.
            await self._keep_older(before, [one for one in moved if one in kept])
            changed = replace(after, message=message, deliveries=log[-NEWEST_KEPT:])
            item = message_item(changed, 0, write) | operation_attribute(operation)
            written = await self._change(key, before, kept, item, bool(moved))
            if written.held or _is_ours(written, write):
                await self._keep_older(before, [one for one in moved if one not in kept])
                return True
            if not written.item:
                return False
            stored = read_record(written.item)
            if _generation(stored) != _generation(before):
                return False
            kept = stored.deliveries  # only the log has grown: add to it as it is now
        raise TemporaryFailure(_BUSY)

    async def note_resent(
        self, server: ServerId, message: MessageId, scope: Scope, resent_as: MessageId
    ) -> None:
        """Add to the list of its item, unless it has it; see the port."""
        number = {"N": str(resent_as)}
        values: Item = {":none": {"L": []}, ":one": {"L": [number]}, ":number": number}
        key = await self._key(server, scope, message)
        await self._table.update(key, _RESENT, values, _NOT_RESENT)

    async def mark(
        self, server: ServerId, message: MessageId, scope: Scope, mark: Mark, at: float, detail: str
    ) -> bool:
        """Set its time where there is none, with what the stream shall tell; see the port."""
        name, write = _MARK[mark], self._mark()
        told = json.dumps([mark.value, repr(at), detail, write])
        written = await self._table.update(
            await self._key(server, scope, message),
            f"SET {name} = :at, {MARK} = :told",
            {":at": {"N": repr(at)}, ":told": {"S": told}},
            f"attribute_exists(PK) AND attribute_not_exists({name})",
        )
        return written.held or written.item.get(MARK) == {"S": told}

    async def clear_due(self, record: MessageRecord) -> bool:
        """Take a record out of the due index if its attempt is the same."""
        message = record.message
        written = await self._table.update(
            await self._key(message.server_id, message.scope, message.id),
            "REMOVE dk, du",
            {":attempt": {"N": str(record.attempt)}},
            "a = :attempt",
        )
        return written.held

    async def _create(self, message: Message) -> bool:
        written = await self._put(lifecycle.accepted(message), "")
        return written.held or written.item.get("t") == {"S": message.token}

    async def _put(self, record: MessageRecord, write: str) -> Written:
        message = record.message
        shard = message.id % await self._shards(message.server_id)
        return await self._table.put(message_item(record, shard, write), _NEW)

    async def _lease(
        self, key: Key, job: DeliveryJob, owner: str, now: int, lease_until: int, write: str
    ) -> Written:
        values: Item = {
            ":leased": {"S": State.LEASED.value},
            ":waiting": {"S": State.WAITING.value},
            ":owner": {"S": owner},
            ":until": {"N": str(lease_until)},
            ":now": {"N": str(now)},
            ":token": {"S": job.message.token},
            ":attempt": {"N": str(job.attempt)},
            ":write": {"S": write},
        }
        return await self._table.update(key, _CLAIM, values, _CLAIMABLE, returning="ALL_NEW")

    async def _change(
        self,
        key: Key,
        before: MessageRecord,
        kept: Sequence[Delivery],
        item: Item,
        moved: bool,
    ) -> Written:
        if moved:
            item["lm"] = {"BOOL": True}
        names = [name for name in (*MUTABLE, "lm") if name in item]
        gone = [name for name in MUTABLE if name not in item]
        expression = "SET " + ", ".join(f"{name} = :{name}" for name in names)
        if gone:
            expression += " REMOVE " + ", ".join(gone)
        condition, values = _unchanged(before, kept)
        values.update({f":{name}": item[name] for name in names})
        return await self._table.update(key, expression, values, condition)

    async def _keep_older(self, record: MessageRecord, deliveries: Sequence[Delivery]) -> None:
        message = record.message
        for delivery in deliveries:
            await self._table.put(older_delivery_item(message.server_id, message.id, delivery))

    def _mark(self) -> str:
        return self._rand.bytes(6).hex()


def _unchanged(record: MessageRecord, kept: Sequence[Delivery]) -> tuple[str, Item]:
    """The condition that generation and log are as known, with its values."""
    parts = ["a = :was_attempt", "ss = :was_state"]
    values: Item = {
        ":was_attempt": {"N": str(record.attempt)},
        ":was_state": {"S": record.state.value},
    }
    if record.lease_owner:
        parts.append("lo = :was_owner")
        values[":was_owner"] = {"S": record.lease_owner}
    else:
        parts.append("attribute_not_exists(lo)")
    if kept:
        parts.append(f"l[{len(kept) - 1}].i = :was_last AND attribute_not_exists(l[{len(kept)}])")
        values[":was_last"] = {"N": str(kept[-1].id)}
    else:
        parts.append("attribute_not_exists(l)")
    return " AND ".join(parts), values


def _generation(record: MessageRecord) -> tuple[int, State, str]:
    return record.attempt, record.state, record.lease_owner


def _is_ours(written: Written, write: str) -> bool:
    return written.item.get("n") == {"S": write}


def _refusal(record: MessageRecord, job: DeliveryJob) -> ClaimFailure:
    if record.message.token != job.message.token:
        return ClaimFailure.COLLISION
    if record.attempt == job.attempt and record.state is State.LEASED:
        return ClaimFailure.LEASED
    return ClaimFailure.STALE
