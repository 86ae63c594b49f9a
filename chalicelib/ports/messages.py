"""Where the records of messages live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.model import Delivery, DeliveryJob, Message, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation

if TYPE_CHECKING:
    from chalicelib.domain.changes import Mark
    from chalicelib.domain.paging import Page


class ClaimFailure(StrEnum):
    """Why a claim was refused (crash rules 2 to 4)."""

    LEASED = "leased"
    STALE = "stale"
    COLLISION = "collision"


@dataclass(frozen=True, slots=True)
class ClaimRefused:
    """A refused claim with the record as it stands. COLLISION: the id belongs to a message with another token.
    LEASED: another worker has this very attempt until `record.lease_until`. STALE: the attempt is over, or not
    waiting."""

    reason: ClaimFailure
    record: MessageRecord


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many records have a flag, and when the oldest message of them was accepted."""

    count: int = 0
    oldest_at: float | None = None


class MessageStore(Protocol):
    """Messages and where they stand. Every write is conditional; reads by id are consistent, lists may lag by
    seconds.

    Ids are unique among the messages of a server, whatever their direction. A read by id takes the `scope` where the
    caller knows it; ids that clients send do not tell, and then it is None.
    """

    async def create(self, messages: Sequence[Message]) -> list[bool]:
        """Store new messages as waiting for attempt 0, scheduled ones for the sweeper (`lifecycle.accepted`).
        True: stored, or already there with the same token. False: the id is taken by a message with another token."""

    async def claim(
        self, job: DeliveryJob, owner: str, now: int, lease_until: int
    ) -> MessageRecord | ClaimRefused:
        """Lease the record for the attempt the job names, creating it when it does not exist (rule 1).
        Granted only if token and attempt match and the record is WAITING, or LEASED with the lease over at `now`. The
        answer may have the job's own message, since of one token there is one."""

    async def replace(
        self, before: MessageRecord, after: MessageRecord, operation: Operation | None = None
    ) -> bool:
        """Write `after` if the stored record still has the attempt, state and lease owner of `before`; else False.
        Deliveries of `after` that `before` lacks (by id) are added to the log. Serves finish, release, cancel.
        An operation is stored in the same write, and told of with the change."""

    async def note_resent(
        self, server: ServerId, message: MessageId, scope: Scope, resent_as: MessageId
    ) -> None:
        """Add to the messages that send this one's content once more; once, however often it is called. Nothing when
        there is no such message."""

    async def mark(
        self, server: ServerId, message: MessageId, scope: Scope, mark: Mark, at: float, detail: str
    ) -> bool:
        """Note that this first happened to a message: True, and consumers are told of it as `Marked`. False, and
        nothing changes, when it had happened before or the message is gone."""

    async def get(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> MessageRecord:
        """The record with at least its three newest deliveries; NotFound."""

    async def get_many(self, refs: Sequence[tuple[ServerId, MessageId]]) -> list[MessageRecord]:
        """The records that exist, in the order asked."""

    async def deliveries(
        self, server: ServerId, message: MessageId, scope: Scope | None = None
    ) -> tuple[Delivery, ...]:
        """The whole log, oldest first; empty when there is none."""

    async def page(
        self, server: ServerId, scope: Scope, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first. A cursor that this server did not get from here raises Rejected."""

    async def flagged(
        self, server: ServerId, scope: Scope, flag: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records that are `held`, `queued` (failed softly, waiting), `scheduled`, `failed` or
        `bounced`."""

    async def count_flagged(self, server: ServerId, scope: Scope, flag: str, most: int) -> Flagged:
        """How many records have this flag; a number that is `most` may be more. May lag by seconds."""

    async def by_recipient(
        self, server: ServerId, address: str, limit: int, cursor: str | None = None
    ) -> Page[MessageRecord]:
        """Newest first, only records for this recipient (compared without case)."""

    async def due(self, now: int, limit: int) -> list[MessageRecord]:
        """Records that wait for the sweeper with `wake_at` <= now, earliest first; held ones whose hold is over too."""

    async def clear_due(self, record: MessageRecord) -> bool:
        """Let a record wait for the sweeper no longer if its attempt is still the same; False when it has moved on."""

    async def hard_fails(self, server: ServerId, address: str, since: float) -> int:
        """How many messages for this recipient have the status HardFail, for a reason that lies with the recipient, and
        were accepted at `since` or later."""
