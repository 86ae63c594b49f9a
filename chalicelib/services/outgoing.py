"""What a claimed outgoing message goes through, as one list of named steps.

`OUTGOING` at the end of this module is that list; the pure checks of its first step are `domain.policy.OUTGOING`.
Each step gathers what it needs and may settle the passage by setting `after`, which ends it. Steps change nothing
that lasts but counters and the suppression list: what is stored about the message is the returned record, written
by the caller.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

from chalicelib.config import Settings
from chalicelib.domain import settle
from chalicelib.domain.classify import Verdict
from chalicelib.domain.eight_bit import seven_bit
from chalicelib.domain.errors import MailError, NotFound, TemporaryFailure
from chalicelib.domain.ids import log_id
from chalicelib.domain.model import (
    BlobRef,
    Delivery,
    Envelope,
    Message,
    MessageRecord,
    Status,
    Suppression,
    WorkItem,
)
from chalicelib.domain.policy import TOO_MANY_HARD_FAILS, Facts, Fail, Hold, decide
from chalicelib.domain.retry import (
    LOST_REPLY,
    Schedule,
    default_schedule,
    next_wait,
    parse_schedule,
)
from chalicelib.domain.tenancy import Domain, Server, ServerId, UnknownOutcome
from chalicelib.domain.transmission import Attempted
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.rand import Rand
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.ports.volume import SendVolume
from chalicelib.services.bodies import LARGEST_SPAN, Bodies, Room
from chalicelib.services.seal import SealOutgoing
from chalicelib.services.track_links import TrackLinks
from chalicelib.services.transmit import Transmit

T = TypeVar("T")

LOG = logging.getLogger("posthorn.outgoing")

DAY = 86_400
LONGEST_DETAILS = 250
INTERNAL_ERROR = (
    "An internal error occurred while sending this message. "
    "This message will be retried automatically."
)
MAY_BE_DELIVERED = (
    "The message was sent, but the server's reply was lost. "
    "It may have been delivered, and is not sent again."
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a batch read before its first claim, and the way to its bodies."""

    servers: Mapping[ServerId, Server]
    suppressions: Mapping[tuple[ServerId, str], Suppression]
    bodies: Bodies


@dataclass(slots=True)
class Passage:
    """A claimed message on its way through `OUTGOING`; `number` is the id of the delivery entry to come, `reserved_at`
    when it got its place in the server's hour; `after` is set by the step that settles it."""

    record: MessageRecord
    facts: Facts
    number: int
    reserved_at: float
    bodies: Bodies
    body: bytes = b""
    content: Sequence[bytes] = ()
    envelope: Envelope | None = None
    attempted: Attempted | None = None
    after: MessageRecord | None = None


class SendOutgoing:
    """The steps of `OUTGOING` and what they share."""

    def __init__(  # noqa: PLR0913  # one argument a port
        self,
        *,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        directory: Directory,
        messages: MessageStore,
        blobs: BlobStore,
        suppressions: SuppressionList,
        numbers: Numbers,
        volume: SendVolume,
        track: TrackLinks,
        seal: SealOutgoing,
        transmit: Transmit,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._directory = directory
        self._messages = messages
        self._blobs = blobs
        self._suppressions = suppressions
        self._numbers = numbers
        self._volume = volume
        self._track = track
        self._seal = seal
        self._transmit = transmit
        self._room = Room(settings.bytes_in_hand)

    def bodies(self, refs: Iterable[BlobRef]) -> Bodies:
        """The way to the bodies that a batch may ask for."""
        return Bodies(self._blobs, refs, self._room)

    @asynccontextmanager
    async def room_for(self, item: WorkItem, known: Known, seconds: float) -> AsyncIterator[None]:
        """While this lasts there is room for the item's body and what is made of it. TemporaryFailure when there is
        none for `seconds`."""
        message = item.message
        if item.settlement is not None or message.blob.length <= LARGEST_SPAN:
            yield
            return
        copies = await self._copies(message, known)
        async with known.bodies.held(message.blob, seconds, copies=copies):
            yield

    async def _copies(self, message: Message, known: Known) -> int:
        """How many copies of the body an attempt makes: one when links are tracked. Signing and sending make none."""
        server = known.servers.get(message.server_id)
        if server is None:
            return 0
        domain = await self._directory.verified_domain(server, message.domain)
        if domain is None:
            return 0
        return int(await self._track.makes_a_copy(message, server, domain))

    async def carry(self, record: MessageRecord, item: WorkItem, known: Known) -> MessageRecord:
        """Run the steps and return the record to store; anything unforeseen becomes an Error delivery that is tried
        again (contract section 4, step 21), unless the other side already has the message.

        Raises TemporaryFailure only before anything was sent.
        """
        number = (await self._numbers.take(record.message.server_id, "delivery", 1))[0]
        reserved_at = self._clock.now()
        facts = await self._facts(record, item, known, reserved_at)
        if facts is None:
            why = "Mail server no longer exists"
            gone = Delivery(number, Status.HARD_FAIL, why, self._clock.now(), about_us=True)
            return settle.failed(record, gone)
        passage = Passage(record, facts, number, reserved_at, known.bodies)
        try:
            for step in OUTGOING:
                await step(self, passage)
                if passage.after is not None:
                    break
        except MailError as error:
            LOG.warning(
                "attempt broke: %s", error.public, extra={"fields": log_fields(record.message)}
            )
        except (
            Exception
        ):  # a defect becomes a retry that people can see, instead of a lease that runs out
            LOG.exception("attempt broke", extra={"fields": log_fields(record.message)})
        after = passage.after or self._broken(passage)
        _log(passage, after)
        return after

    def _broken(self, passage: Passage) -> MessageRecord:
        """Where a passage stands whose steps broke off: sent if the other side said so, else tried again."""
        attempted = passage.attempted
        if attempted is not None and attempted.verdict is Verdict.SENT:
            delivery = self._delivery(passage, Status.SENT, attempted.details, attempted)
            return settle.sent(passage.record, delivery)
        delivery = self._delivery(passage, Status.ERROR, INTERNAL_ERROR)
        return settle.waiting(passage.record, delivery, self._next_wake(passage))

    async def _facts(
        self, record: MessageRecord, item: WorkItem, known: Known, reserved_at: float
    ) -> Facts | None:
        message = record.message
        server = known.servers.get(message.server_id)
        if server is None:
            return None
        domain = await self._directory.verified_domain(server, message.domain)
        limited = server.send_limit is not None and record.tries == 0
        place = await self._volume.reserve(server.id, reserved_at) if limited else 1
        return Facts(
            server=server,
            domain=domain,
            suppression=known.suppressions.get(pair_of(message)),
            sent_last_hour=place - 1,
            max_attempts=self._max_attempts(server),
            manual=item.manual,
        )

    def _max_attempts(self, server: Server) -> int:
        if server.retry_schedule is None:
            return self._settings.max_attempts
        return len(parse_schedule(server.retry_schedule).waits) + 1

    def _schedule(self, server: Server) -> Schedule:
        if server.retry_schedule is None:
            return default_schedule(self._settings.max_attempts)
        return parse_schedule(server.retry_schedule)

    async def decide(self, passage: Passage) -> None:
        """The pure checks of `domain.policy.OUTGOING`."""
        decision = decide(passage.record, passage.facts)
        if isinstance(decision, Hold):
            passage.after = self._held(passage, decision.details)
        elif isinstance(decision, Fail):
            passage.after = await self._failed(passage, decision)
        if passage.after is not None and _is_counted(passage):
            await self._beside(self._volume.give_back(passage.facts.server.id, passage.reserved_at))

    async def load(self, passage: Passage) -> None:
        """Read the stored bytes."""
        try:
            passage.body = await passage.bodies.get(passage.record.message.blob)
        except NotFound:
            fail = Fail("Raw message has been removed. Cannot send message.")
            passage.after = await self._failed(passage, fail)

    async def track(self, passage: Passage) -> None:
        """Replace links and add the open image, before anything is signed."""
        domain = _domain(passage)
        passage.record, passage.body = await self._track.track(
            passage.record, passage.body, passage.facts.server, domain
        )

    async def seal(self, passage: Passage) -> None:
        """Choose the envelope, prepend our fields, sign."""
        domain = _domain(passage)
        sealed = await self._seal.seal(passage.record.message, passage.body, domain)
        passage.envelope, passage.content = sealed.envelope, sealed.content

    async def send(self, passage: Passage) -> None:
        """Hand the message to a receiving server."""
        if passage.envelope is None:
            raise RuntimeError("send comes after seal")
        message, tries = passage.record.message, passage.record.tries
        async with AsyncExitStack() as room:

            async def converted() -> Sequence[bytes] | None:
                if len(passage.body) > LARGEST_SPAN:
                    await room.enter_async_context(passage.bodies.more(len(passage.body) * 3 // 2))
                body = seven_bit(passage.body)
                if body is None:
                    return None
                return (await self._seal.seal(message, body, _domain(passage))).content

            passage.attempted = await self._transmit.deliver(
                message, passage.envelope, passage.content, tries, converted
            )

    async def outcome(self, passage: Passage) -> None:
        """Turn what the other side said into the record's next state."""
        attempted = passage.attempted
        if attempted is None:
            raise RuntimeError("outcome comes after send")
        if attempted.verdict is Verdict.SENT:
            passage.after = await self._sent(passage, attempted)
        elif attempted.verdict is Verdict.HARD:
            passage.after = await self._refused_for_good(passage, attempted)
        else:
            passage.after = await self._soft(passage, attempted)

    async def _sent(self, passage: Passage, attempted: Attempted) -> MessageRecord:
        message, details = passage.record.message, attempted.details
        listed = passage.facts.suppression is not None
        if listed and await self._beside(
            self._suppressions.remove(message.server_id, message.rcpt_to)
        ):
            details = f"{details.removesuffix('.')}. Recipient removed from suppression list"
        delivery = self._delivery(passage, Status.SENT, details, attempted)
        return settle.sent(passage.record, delivery)

    async def _refused_for_good(self, passage: Passage, attempted: Attempted) -> MessageRecord:
        message, details = passage.record.message, attempted.details
        if not attempted.about_us and await self._beside(self._failed_before(message)):
            await self._beside(self._suppress(message, TOO_MANY_HARD_FAILS))
            added = f"Recipient added to suppression list ({TOO_MANY_HARD_FAILS})"
            details = f"{details.removesuffix('.')}. {added}"
        delivery = self._delivery(passage, Status.HARD_FAIL, details, attempted)
        return settle.failed(passage.record, delivery)

    async def _failed_before(self, message: Message) -> bool:
        since = self._clock.now() - DAY
        return await self._messages.hard_fails(message.server_id, message.rcpt_to, since) > 0

    async def _soft(self, passage: Passage, attempted: Attempted) -> MessageRecord:
        if not attempted.outcome_unknown:
            delivery = self._delivery(passage, Status.SOFT_FAIL, attempted.details, attempted)
            wake_at = self._next_wake(passage, attempted.retry_hint)
            return settle.waiting(passage.record, delivery, wake_at)
        server = passage.facts.server
        if server.unknown_outcome is UnknownOutcome.HOLD:
            return self._held(passage, attempted.details, attempted)
        return self._reply_lost(passage, attempted)

    def _reply_lost(self, passage: Passage, attempted: Attempted) -> MessageRecord:
        """Nobody knows whether the message arrived: try again later and less often than after a refusal, and end
        with words that say so (ADR 24)."""
        record = passage.record
        wait = next_wait(LOST_REPLY, record.lost_replies, self._rand.uniform())
        if wait is None or record.tries + 1 >= passage.facts.max_attempts:
            delivery = self._delivery(passage, Status.HARD_FAIL, MAY_BE_DELIVERED, attempted)
            return settle.failed(record, replace(delivery, about_us=True))
        delivery = self._delivery(passage, Status.SOFT_FAIL, attempted.details, attempted)
        wake_at = max(self._next_wake(passage), int(self._clock.now()) + wait)
        return settle.waiting(record, delivery, wake_at, reply_lost=True)

    async def _beside(self, effect: Awaitable[T]) -> T | None:
        """An effect beside the outcome: its failure is logged, because the outcome must be stored whatever
        happens."""
        try:
            return await effect
        except TemporaryFailure as away:
            LOG.warning("effect left out: %s", away.public)
            return None

    def _next_wake(self, passage: Passage, hint: int | None = None) -> int:
        """When to try again: the remote's hint, else the schedule; at once when the schedule has run out, because the
        next attempt only records that."""
        schedule = self._schedule(passage.facts.server)
        wait = hint
        if wait is None:
            wait = next_wait(schedule, passage.record.tries, self._rand.uniform())
        return int(self._clock.now()) + (wait or 0)

    def _held(
        self, passage: Passage, details: str, attempted: Attempted | None = None
    ) -> MessageRecord:
        delivery = self._delivery(passage, Status.HELD, details, attempted)
        expires_at = int(self._clock.now()) + self._settings.hold_days * DAY
        return settle.held(passage.record, delivery, expires_at)

    async def _failed(self, passage: Passage, fail: Fail) -> MessageRecord:
        if fail.suppress is not None:
            await self._suppress(passage.record.message, fail.suppress)
        delivery = self._delivery(passage, Status.HARD_FAIL, fail.details)
        return settle.failed(passage.record, delivery)

    async def _suppress(self, message: Message, reason: str) -> None:
        now = self._clock.now()
        keep_until = int(now) + self._settings.suppression_days * DAY
        entry = Suppression(message.rcpt_to, reason, now, keep_until)
        await self._suppressions.add(message.server_id, entry)

    def _delivery(
        self,
        passage: Passage,
        status: Status,
        details: str,
        attempted: Attempted | None = None,
    ) -> Delivery:
        """A log entry about now; one without a conversation has neither log id nor time (contract section 2.5)."""
        now = self._clock.now()
        details = details[:LONGEST_DETAILS]
        if attempted is None:
            # What fails without a conversation says nothing of the recipient.
            about_us = status in (Status.HARD_FAIL, Status.ERROR)
            return Delivery(passage.number, status, details, now, about_us=about_us)
        return Delivery(
            id=passage.number,
            status=status,
            details=details,
            at=now,
            output=attempted.output,
            sent_with_ssl=attempted.sent_with_ssl,
            log_id=log_id(self._rand.bytes(8)),
            seconds=round(attempted.seconds, 2),
            tls=attempted.tls,
            source=attempted.source,
            remote=attempted.remote,
            about_us=attempted.about_us,
        )


Step = Callable[[SendOutgoing, Passage], Awaitable[None]]

OUTGOING: tuple[Step, ...] = (
    SendOutgoing.decide,
    SendOutgoing.load,
    SendOutgoing.track,
    SendOutgoing.seal,
    SendOutgoing.send,
    SendOutgoing.outcome,
)


def _domain(passage: Passage) -> Domain:
    domain = passage.facts.domain
    if domain is None:
        raise RuntimeError("decide lets no message without a domain through")
    return domain


def _is_counted(passage: Passage) -> bool:
    """Whether the message has a place among those that the server's limit counts: retries have none (QUIRK-16)."""
    return passage.facts.server.send_limit is not None and passage.record.tries == 0


def pair_of(message: Message) -> tuple[ServerId, str]:
    """What the suppression list is asked about a message."""
    return message.server_id, message.rcpt_to


def log_fields(message: Message) -> dict[str, str | int]:
    """What a log line may say about a message: no addresses, no content."""
    return {"server_id": message.server_id, "message_id": message.id}


def _log(passage: Passage, after: MessageRecord) -> None:
    seconds = passage.attempted.seconds if passage.attempted else 0.0
    fields = log_fields(after.message) | {
        "attempt": passage.record.attempt,
        "outcome": after.status.value,
        "ms": round(seconds * 1000),
    }
    LOG.info("attempt", extra={"fields": fields})
