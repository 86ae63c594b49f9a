"""Sending the content of a message once more: a new message to the same recipient, which names the one it came from.

The bytes are those that were accepted, stored again, so that each message is kept for its own time. What was done is
stored with the new message, and that the old one names it follows from there (`record_operations`).
"""

from __future__ import annotations

from chalicelib.domain.acceptance import Acceptance, Door
from chalicelib.domain.errors import BeingSent, Conflict, MailError, NotFound
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.message_verbs import not_to_resend
from chalicelib.domain.model import Message, MessageRecord, Origin, Scope, State
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.operations import RESEND
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.services.events.record_operations import RecordOperations
from chalicelib.services.limits.at_acceptance import CountAccepted
from chalicelib.services.outgoing.choose_pool import ChoosePool
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.outgoing.submission import Prepared, Recipient
from chalicelib.services.queue.message_actions import operation_of
from chalicelib.services.queue.store_outcome import best_effort
from chalicelib.services.tenancy.authenticate import Principal

Name = tuple[MessageId, str]


class ResendMail:
    """The resend use case."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        blobs: BlobStore,
        pools: ChoosePool,
        numbers: MessageNumbers,
        store: StoreMail,
        recording: RecordOperations,
        limits: CountAccepted,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._blobs = blobs
        self._pools = pools
        self._numbers = numbers
        self._store = store
        self._recording = recording
        self._limits = limits

    async def resend(
        self, principal: Principal, message: MessageId, name: Name | None = None, job: str = ""
    ) -> Message:
        """Accept a message's content again, with its envelope, tag, stream and metadata. NotFound; Conflict while it
        is under way, and when its content is gone; SendLimitExceeded; TemporaryFailure. Of a `name` that was taken
        for it there is one message, however often a job is at it."""
        record = await self._messages.get(principal.server.id, message)
        _check(record)
        try:
            content = await self._blobs.get(record.message.blob)
        except NotFound as gone:
            raise Conflict(f"The content of message {message} is no longer kept") from gone
        prepared = await self._prepared(principal, record, content, name, job)
        counted = await self._limits.take(principal.server, principal.credential, 1)
        prepared.limits = counted.marks
        try:
            await self._store.store([prepared])
        except MailError:
            await self._limits.give_back(counted)
            raise
        (made,) = prepared.messages
        if made.operation is not None and not job:
            # What this leaves undone, the outbox does.
            await best_effort(self._recording.record(made.server_id, made.id, made.operation))
        return made

    async def _prepared(
        self,
        principal: Principal,
        record: MessageRecord,
        content: bytes,
        name: Name | None,
        job: str,
    ) -> Prepared:
        server, known = principal.server, record.message
        (pool,) = await self._pools.of(server, read_headers(content), [known.rcpt_to])
        names = [name] if name else await self._numbers.take(server.id, 1)
        told = {"resent_as": names[0][0]} | ({"job": job} if job else {})
        now = self._clock.now()
        return Prepared(
            body=content,
            to=(Recipient(known.rcpt_to, known.dsn),),
            names=names,
            server_id=server.id,
            mail_from=known.mail_from,
            subject=known.subject,
            message_id=known.message_id,
            received_at=now,
            origins=(Origin(pool, known.origin.domain, principal.credential.id),),
            tag=known.tag,
            bounce=known.bounce,
            hold=principal.credential.hold,
            received_with_ssl=known.received_with_ssl,
            smtputf8=known.smtputf8,
            stream=known.stream,
            metadata=known.metadata,
            unsubscribe=known.unsubscribe,
            acceptance=Acceptance(Door.API).render(privacy=False),
            operation=operation_of(RESEND, record, now, 0, {}, told),
        )


def _check(record: MessageRecord) -> None:
    """Whether it may be resent."""
    message = record.message
    if message.scope is Scope.OUTGOING and record.state is State.LEASED:
        raise BeingSent(f"Message {message.id} is being sent at this moment", 30)
    if (found := not_to_resend(record)) is not None:
        raise Conflict(f"Message {message.id} {found}")
