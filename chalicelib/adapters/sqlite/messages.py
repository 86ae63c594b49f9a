"""Messages in mail.db: every condition of the port is the WHERE of one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.logs import LOGGED, count_flagged, log, newest, read_records
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.sqlite.operations import note_resent, tell, tell_mark
from chalicelib.adapters.sqlite.records import (
    NEW_NAMES,
    OF_OTHERS,
    SELECTED,
    STATE_NAMES,
    STATE_SELECTED,
    new_row,
    read_delivery,
    read_state,
    state_row,
)
from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.adapters.storage.listing import (
    added_deliveries,
    counts_against_recipient,
    recipient_key,
)
from chalicelib.domain.changes import Mark
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import (
    Delivery,
    DeliveryJob,
    Message,
    MessageRecord,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation
from chalicelib.domain.paging import Page
from chalicelib.ports.messages import ClaimFailure, ClaimRefused, Flagged, MessageStore

if TYPE_CHECKING:
    import apsw

CREATE = (
    f"INSERT INTO messages({', '.join(NEW_NAMES)}) VALUES ({', '.join('?' * len(NEW_NAMES))})"
    " ON CONFLICT DO NOTHING"
)
_TOLD_NEW = "INSERT INTO events(key, kind, at) VALUES (?, 'new', ?)"
# Not RETURNING, which takes longer than the look-up by key after it.
_CLAIM = f"""
UPDATE messages SET taken_over = (state = '{State.LEASED}'), state = '{State.LEASED}', lease_owner = ?, lease_until = ?,
  due_at = NULL
WHERE key = ? AND token = ? AND attempt = ?
  AND (state = '{State.WAITING}' OR (state = '{State.LEASED}' AND coalesce(lease_until, 0) <= ?))"""
# Every change of state but a claim raises the attempt: what waits for its first one is as it was made, but for others.
_CLAIM_FIRST = f"""
UPDATE messages SET state = '{State.LEASED}', lease_owner = ?, lease_until = ?
WHERE key = ? AND token = ? AND attempt = 0 AND state = '{State.WAITING}' AND status = '{Status.PENDING}'
  AND due_at IS NULL AND logged = 0 AND {" AND ".join(f"{name} IS NULL" for name in OF_OTHERS)}"""
_REPLACE = f"""
UPDATE messages SET {", ".join(f"{name} = ?" for name in STATE_NAMES)}, logged = logged + ?
WHERE key = ? AND attempt = ? AND state = ? AND coalesce(lease_owner, '') = ?"""
_ONE = f"SELECT {SELECTED} FROM messages WHERE key = ?"
_STATE = f"SELECT {STATE_SELECTED} FROM messages WHERE key = ?"
_ORDER = "ORDER BY key DESC LIMIT :limit"
_BETWEEN = "key >= :low AND key < :high"
_BY_SCOPE = f"SELECT {SELECTED} FROM messages WHERE scope = :scope AND {_BETWEEN} {_ORDER}"
# Named, because the planner would read every message of the scope.
_BY_FLAG = (
    f"SELECT {SELECTED} FROM messages INDEXED BY by_flag"
    f" WHERE flag = :flag AND scope = :scope AND {_BETWEEN} {_ORDER}"
)
_BY_RECIPIENT = f"SELECT {SELECTED} FROM messages WHERE rcpt_key = :rcpt AND {_BETWEEN} {_ORDER}"
_DUE = f"SELECT {SELECTED} FROM messages WHERE due_at <= ? ORDER BY due_at LIMIT ?"
_MARK = {
    Mark.COMPLAINED: "UPDATE messages SET complained_at = ? WHERE key = ? AND complained_at IS NULL",
    Mark.UNSUBSCRIBED: "UPDATE messages SET unsubscribed_at = ? WHERE key = ? AND unsubscribed_at IS NULL",
}
_CLEAR_DUE = "UPDATE messages SET due_at = NULL WHERE key = ? AND attempt = ?"
_FAILS = (
    f"SELECT {SELECTED} FROM messages WHERE rcpt_key = :rcpt AND {_BETWEEN}"
    " AND status = 'HardFail' AND received_at >= :since"
)


class SqliteMessageStore(MessageStore):
    """The `MessageStore` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Store new messages; see the port."""
        return await self._database.write(lambda db: [create(db, message) for message in messages])

    async def claim(
        self, job: DeliveryJob, owner: str, now: int, lease_until: int
    ) -> MessageRecord | ClaimRefused:
        """Lease a record for an attempt; see the port."""
        return await self._database.write(lambda db: _claim(db, job, owner, now, lease_until))

    async def replace(
        self, before: MessageRecord, after: MessageRecord, operation: Operation | None = None
    ) -> bool:
        """Write `after` over `before`; see the port."""

        def replace(db: apsw.Connection) -> bool:
            is_written = write_over(db, before, after, operation)
            if is_written and operation is not None:
                tell(db, key_of(before.message.server_id, before.message.id), operation)
            return is_written

        return await self._database.write(replace)

    async def note_resent(
        self, server: ServerId, message: MessageId, scope: Scope, resent_as: MessageId
    ) -> None:
        """Add to the list of its row; see the port."""
        key = key_of(server, message)
        await self._database.write(lambda db: note_resent(db, key, resent_as))

    async def mark(
        self, server: ServerId, message: MessageId, scope: Scope, mark: Mark, at: float, detail: str
    ) -> bool:
        """Set its time where there is none, and tell of it; see the port."""
        key = key_of(server, message)

        def note(db: apsw.Connection) -> bool:
            is_first = _changes(db, _MARK[mark], (at, key)) == 1
            if is_first:
                tell_mark(db, key, mark, at, detail)
            return is_first

        return await self._database.write(note)

    async def get(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> MessageRecord:
        """The record; NotFound."""
        found = self._database.read(lambda db: read_records(db, _ONE, (key_of(server, message),)))
        if not found or scope not in (None, found[0].message.scope):
            raise NotFound("There is no such message")
        return found[0]

    async def get_many(self, refs: Sequence[tuple[ServerId, MessageId]]) -> list[MessageRecord]:
        """The records that exist, in the order asked."""
        keys = [key_of(*ref) for ref in refs]
        return self._database.read(
            lambda db: [one for key in keys for one in read_records(db, _ONE, (key,))]
        )

    async def deliveries(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> tuple[Delivery, ...]:
        """The whole log, oldest first."""
        try:
            await self.get(server, message, scope)
        except NotFound:
            return ()
        rows = self._database.read(lambda db: fetched(db, LOGGED, (key_of(server, message),)))
        return tuple(read_delivery(row) for row in rows)

    async def page(
        self, server: ServerId, scope: Scope, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first."""
        return self._page(
            server, f"S#{server}#{scope}", _BY_SCOPE, limit, cursor, scope=scope.value
        )

    async def flagged(
        self, server: ServerId, scope: Scope, flag: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records with this flag."""
        partition = f"S#{server}#{scope}#{flag}"
        return self._page(server, partition, _BY_FLAG, limit, cursor, scope=scope.value, flag=flag)

    async def count_flagged(self, server: ServerId, scope: Scope, flag: str, most: int) -> Flagged:
        """Of the index alone, and the oldest message."""
        wanted = _range(server) | {"scope": scope.value, "flag": flag, "limit": most}
        return self._database.read(lambda db: count_flagged(db, wanted))

    async def by_recipient(
        self, server: ServerId, address: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records for this recipient."""
        recipient = recipient_key(address)
        partition = f"S#{server}#R#{recipient}"
        return self._page(server, partition, _BY_RECIPIENT, limit, cursor, rcpt=recipient)

    async def due(self, now: int, limit: int) -> list[MessageRecord]:
        """Records to wake, earliest first."""
        return self._database.read(lambda db: read_records(db, _DUE, (now, limit)))

    async def clear_due(self, record: MessageRecord) -> bool:
        """Let a record wait for the sweeper no longer if its attempt is the same."""
        key = key_of(record.message.server_id, record.message.id)
        return await self._database.write(
            lambda db: _changes(db, _CLEAR_DUE, (key, record.attempt)) == 1
        )

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many messages for this recipient failed for good since then."""
        wanted = _range(server) | {"rcpt": recipient_key(address), "since": since}
        found = self._database.read(lambda db: read_records(db, _FAILS, wanted))
        return sum(map(counts_against_recipient, found))

    def _page(
        self,
        server: ServerId,
        partition: str,
        statement: str,
        limit: int,
        cursor: str | None,
        **wanted: str,
    ) -> Page[MessageRecord]:
        span = _range(server)
        if cursor is not None:
            span["high"] = key_of(server, parse_cursor(partition, cursor))
        found = self._database.read(
            lambda db: read_records(db, statement, {**wanted, **span, "limit": limit + 1})
        )
        records, more = tuple(found[:limit]), len(found) > limit
        return Page(records, render_cursor(partition, records[-1].message.id) if more else None)


def create(db: apsw.Connection, message: Message) -> bool:
    """Store a new message in this transaction; False when its id belongs to a message with another token."""
    key, *rest = new_row(message)
    if _changes(db, CREATE, (key, *rest)):
        db.execute(_TOLD_NEW, (key, message.received_at))
        if message.operation is not None:
            tell(db, key, message.operation)
        return True
    ((token,),) = fetched(db, "SELECT token FROM messages WHERE key = ?", (key,))
    return bool(token == message.token)


def _claim(
    db: apsw.Connection, job: DeliveryJob, owner: str, now: int, lease_until: int
) -> MessageRecord | ClaimRefused:
    message = job.message
    key = key_of(message.server_id, message.id)
    if job.attempt == 0 and _changes(db, _CLAIM_FIRST, (owner, lease_until, key, message.token)):
        return MessageRecord(
            message, state=State.LEASED, lease_owner=owner, lease_until=lease_until
        )
    wanted = (owner, lease_until, key, message.token, job.attempt, now)
    if not _changes(db, _CLAIM, wanted):
        if found := read_records(db, _ONE, (key,)):
            return ClaimRefused(_refusal(found[0], job), found[0])
        create(db, message)
        db.execute("UPDATE messages SET attempt = ? WHERE key = ?", (job.attempt, key))
        _changes(db, _CLAIM, wanted)
    (row,) = fetched(db, _STATE, (key,))
    return read_state(message, row, newest(db, key) if row[0] else ())


def write_over(
    db: apsw.Connection,
    before: MessageRecord,
    after: MessageRecord,
    operation: Operation | None = None,
) -> bool:
    """Write a record over another in this transaction; see `replace` of the port."""
    added = added_deliveries(before, after)
    key = key_of(before.message.server_id, before.message.id)
    was = (key, before.attempt, before.state, before.lease_owner)
    if not _changes(db, _REPLACE, (*state_row(after), len(added), *was)):
        return False
    log(db, before, after, added, operation)
    return True


def _refusal(record: MessageRecord, job: DeliveryJob) -> ClaimFailure:
    if record.message.token != job.message.token:
        return ClaimFailure.COLLISION
    same = record.attempt == job.attempt and record.state is State.LEASED
    return ClaimFailure.LEASED if same else ClaimFailure.STALE


def _changes(db: apsw.Connection, statement: str, wanted: tuple[Any, ...] | dict[str, Any]) -> int:
    """How many rows a statement changed."""
    db.execute(statement, wanted)
    return db.changes()


def _range(server: ServerId) -> dict[str, Any]:
    return {"low": key_of(server, 0), "high": key_of(ServerId(server + 1), 0)}
