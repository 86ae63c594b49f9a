"""Taking responsibility for a submitted message: decide, number it, store it, and only then say yes.

`AcceptMail.prepare` runs the accept steps once, in memory: size, newlines, loop, sender, recipients, tag, pool,
numbers. `AcceptMail.store` makes a batch durable in the order blob, queue, record (crash rule 1): when
it returns, each message is delivered sooner or later even if this process dies at once. When it raises, nothing was
promised; a message may still go out, which a client that tries again sees as a duplicate (RFC 1047).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.config import Settings
from chalicelib.domain.address import addresses_in
from chalicelib.domain.encoded_words import hides_line_break
from chalicelib.domain.errors import Refused, Rejected, TemporaryFailure
from chalicelib.domain.ids import make_token
from chalicelib.domain.mailbox import domain_of, envelope_fault, identity
from chalicelib.domain.mending import mended
from chalicelib.domain.message import Headers, has_bare_newline, has_nul, normalise_newlines
from chalicelib.domain.model import BlobRef, DsnParameters, Message, MessageId, Scope, WorkItem
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy import BareNewlines, Domain, Server, ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.directory import Directory
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.rand import Rand
from chalicelib.services.authenticate import Grant

LONGEST_SUBJECT = 200
LONGEST_TAG = 100
LONGEST_MESSAGE_ID = 255
MOST_OWN_RECEIVED = 4
MOST_RECEIVED = 100  # RFC 5321 §6.3
BLIND_FIELDS = frozenset((b"bcc", b"resent-bcc"))
ADDRESS_FIELDS = ("From", "Sender", "Reply-To", "To", "Cc")
TOKEN_RANDOM_BYTES = 6
LARGEST_PACK = 8 * 1024 * 1024
# A larger body gets an object of its own, so that a client can fetch it by a link, which always names a whole object.
LARGEST_PACKED = 1_000_000
_MSG_ID = re.compile(r"<([^<>]+)>")


class SenderRefused(Refused):
    """The From (or Sender) of a message is not authorised for its credential (contract section 2.6)."""

    code = "sender_refused"
    default_reply = Reply(530, "5.7.1", "From/Sender name is not valid")

    def _own_reply(self, public: str) -> Reply:
        return self.default_reply


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a submission, with its DSN parameters if the client gave any."""

    address: str
    dsn: DsnParameters | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """What a client hands over. `content` is as it came; `received` is a trace field to put in front of it; with
    `blind` its Bcc fields are taken out (RFC 5322 §3.6.3)."""

    grant: Grant
    mail_from: str
    recipients: tuple[Recipient, ...]
    content: bytes
    tag: str | None = None
    bounce: bool = False
    received_with_ssl: bool = False
    smtputf8: bool = False
    received: bytes = b""
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """What the client is told about one recipient. `message_id` is the Message-ID without brackets, empty if none."""

    rcpt_to: str
    id: int
    token: str
    message_id: str


@dataclass(slots=True)
class Prepared:
    """A submission that passed every accept step and waits for `store`, which puts its messages into `messages`.

    `numbered` makes them of the place where the body was stored.
    """

    server: Server
    body: bytes
    recipients: int
    numbered: Callable[[BlobRef], tuple[Message, ...]]
    messages: tuple[Message, ...] = ()

    @property
    def accepted(self) -> tuple[Accepted, ...]:
        """One answer a recipient, in order; empty before `store` has returned."""
        return tuple(
            Accepted(message.rcpt_to, message.id, message.token, message.message_id)
            for message in self.messages
        )


class AcceptMail:
    """The accept use case."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        rand: Rand,
        directory: Directory,
        numbers: Numbers,
        blobs: BlobStore,
        queue: WorkQueue,
        messages: MessageStore,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._rand = rand
        self._directory = directory
        self._numbers = numbers
        self._blobs = blobs
        self._queue = queue
        self._messages = messages
        self._own_trace = f"by {settings.smtp_hostname} ".lower().encode()

    async def submit(self, submission: Submission) -> tuple[Accepted, ...]:
        """Prepare and store one submission."""
        prepared = await self.prepare(submission)
        await self.store([prepared])
        return prepared.accepted

    async def prepare(self, submission: Submission) -> Prepared:
        """The accept steps. Raises Rejected (size, newlines, loop, envelope), SenderRefused, TemporaryFailure."""
        self._check_size(submission.content)
        content = self._lines(submission)
        if content[:1] in (b" ", b"\t"):  # it would continue the field that is put before it
            text = "Message begins with white space"
            raise Rejected(text, reply=Reply(554, "5.6.0", text))
        content, headers = mended(content, BLIND_FIELDS if submission.blind else ())
        self._check_size(content)  # CRLF for LF, and names for mbox lines, make it larger
        if content is not submission.content:
            submission = replace(submission, content=content)  # lets go of what it was before
        if headers.truncated:
            raise Rejected("The header section is too large")
        _check_encoded_words(headers)
        self._check_loop(headers, submission)
        domain = await self.authorised_domain(submission.grant.server, headers)
        recipients = self._recipients(submission)
        received = submission.received
        size = len(received) + len(content)
        numbered = await self._numbering(submission, recipients, headers, domain, size)
        # Last, so that nothing waits with both in memory.
        body = received + content if received else content
        return Prepared(submission.grant.server, body, len(recipients), numbered)

    async def authorised_domain(self, server: Server, headers: Headers) -> Domain:
        """The verified domain that lets this message go out (contract section 2.6), or SenderRefused."""
        domain = await self._authorised_by(server, headers, "from")
        if domain is None and server.allow_sender:
            domain = await self._authorised_by(server, headers, "sender")
        if domain is None:
            raise SenderRefused("The From address is not authorised to send mail from this server")
        return domain

    async def _authorised_by(self, server: Server, headers: Headers, name: str) -> Domain | None:
        """The domain of the first address of a field if every address of every such field is authorised."""
        first: Domain | None = None
        for text in headers.plain_texts(name):
            addresses = addresses_in(text)
            if not addresses:
                return None
            for address in addresses:
                name = domain_of(address)
                domain = await self._directory.verified_domain(server, name) if name else None
                domain = domain or await self._directory.any_from_domain(server)
                if domain is None:
                    return None
                first = first or domain
        return first

    def _check_size(self, content: bytes) -> None:
        largest = self._settings.max_message_size
        if len(content) > largest:
            text = f"Message too large (maximum size {largest // 1_048_576}MB)"
            raise Rejected(text, reply=Reply(552, "5.3.4", text), size=len(content))

    def _lines(self, submission: Submission) -> bytes:
        """Content whose every CR and LF is part of a CRLF, and without NUL: anything else can hide a second message
        at the next hop."""
        content = submission.content
        nul, bare = has_nul(content), has_bare_newline(content)
        if not nul and not bare:
            return content
        if submission.grant.credential.bare_newlines is BareNewlines.NORMALISE:
            return normalise_newlines(content.replace(b"\0", b""))
        text = "Message contains a bare CR or LF; lines must end in CRLF"
        if nul:
            text = "Message contains a NUL character"
        raise Rejected(text, reply=Reply(554, "5.6.0", text))

    def _check_loop(self, headers: Headers, submission: Submission) -> None:
        traces = headers.values(b"received")
        own = sum(self._own_trace in value.lower() for value in traces)
        if own + bool(submission.received) > MOST_OWN_RECEIVED:
            raise Rejected("Loop detected", reply=Reply(550, "5.4.6", "Loop detected"))
        if len(traces) > MOST_RECEIVED:
            text = f"Too many hops: more than {MOST_RECEIVED} Received fields"
            raise Rejected(text, reply=Reply(550, "5.4.6", text))

    def _recipients(self, submission: Submission) -> tuple[Recipient, ...]:
        """The recipients without repetition (QUIRK-19), in the order given, each as it was given first."""
        unique: dict[str, Recipient] = {}
        for recipient in submission.recipients:
            unique.setdefault(identity(recipient.address), recipient)
        if len(unique) > self._settings.max_recipients:
            text = f"Too many recipients (maximum {self._settings.max_recipients})"
            raise Rejected(text, reply=Reply(452, "4.5.3", text))
        for address in (submission.mail_from, *(each.address for each in unique.values())):
            if envelope_fault(address) is not None:
                raise Rejected(
                    "An envelope address is malformed",
                    reply=Reply(553, "5.1.3", "An envelope address is malformed"),
                )
        return tuple(unique.values())

    async def _numbering(
        self,
        submission: Submission,
        recipients: tuple[Recipient, ...],
        headers: Headers,
        domain: Domain,
        size: int,
    ) -> Callable[[BlobRef], tuple[Message, ...]]:
        """Take a number for each recipient; returns what makes the messages once the body has its place."""
        server = submission.grant.server
        credential = submission.grant.credential
        count = len(recipients)
        numbers = await self._numbers.take(server.id, "message", count) if count else []
        tokens = [self._token(server.id, number) for number in numbers]
        tag = submission.tag or headers.last_text("x-postal-tag")
        subject = (headers.last_text("subject") or "")[:LONGEST_SUBJECT]
        message_id = bare_message_id(headers)
        now = self._clock.now()
        mail_from, bounce = submission.mail_from, submission.bounce
        with_ssl, smtputf8 = submission.received_with_ssl, submission.smtputf8

        def numbered(blob: BlobRef) -> tuple[Message, ...]:
            return tuple(
                Message(
                    server_id=server.id,
                    id=MessageId(number),
                    token=token,
                    scope=Scope.OUTGOING,
                    mail_from=mail_from,
                    rcpt_to=recipient.address,
                    subject=subject,
                    message_id=message_id,
                    received_at=now,
                    size=size,
                    blob=blob,
                    pool=server.pool,
                    domain=domain.name,
                    credential_id=credential.id,
                    tag=tag.strip()[:LONGEST_TAG] or None if tag else None,
                    bounce=bounce,
                    hold=credential.hold,
                    received_with_ssl=with_ssl,
                    smtputf8=smtputf8,
                    dsn=recipient.dsn,
                )
                for number, token, recipient in zip(numbers, tokens, recipients, strict=True)
            )

        return numbered

    def _token(self, server: ServerId, number: int) -> str:
        return make_token(server, number, self._rand.bytes(TOKEN_RANDOM_BYTES))

    async def store(self, batch: Sequence[Prepared]) -> None:
        """Make a batch durable: blobs, then wake-ups, then records. Raises TemporaryFailure; see the module."""
        batch = [prepared for prepared in batch if prepared.recipients]
        await _together([self._put_blobs(pack) for pack in _packs(batch)])
        messages = [message for prepared in batch for message in prepared.messages]
        collided = await self._queue_and_create(messages)
        if collided:
            again = await self._renumber(batch, collided)
            if await self._queue_and_create(again):
                raise TemporaryFailure("Message numbers collide, try again later")

    async def _put_blobs(self, pack: list[Prepared]) -> None:
        server = pack[0].server.id
        refs = await self._blobs.put(server, [item.body for item in pack], self._clock.now())
        for prepared, ref in zip(pack, refs, strict=True):
            prepared.messages = prepared.numbered(ref)

    async def _queue_and_create(self, messages: list[Message]) -> list[Message]:
        """Wake-ups first, then records; returns the messages whose id belongs to another message."""
        by_pool: dict[str, list[WorkItem]] = {}
        for message in messages:
            by_pool.setdefault(message.pool, []).append(WorkItem(message, 0))
        await _together([self._queue.send(pool, items) for pool, items in by_pool.items()])
        created = await self._messages.create(messages)
        return [item for item, stored in zip(messages, created, strict=True) if not stored]

    async def _renumber(self, batch: Sequence[Prepared], collided: list[Message]) -> list[Message]:
        """Give messages whose id belonged to another a new one; returns them renewed.

        Their first wake-ups die at the claim, because the token differs (crash rule 2).
        """
        renewed: dict[str, Message] = {}
        for message in collided:
            number = (await self._numbers.take(message.server_id, "message", 1))[0]
            token = self._token(message.server_id, number)
            renewed[message.token] = replace(message, id=MessageId(number), token=token)
        for prepared in batch:
            prepared.messages = tuple(renewed.get(item.token, item) for item in prepared.messages)
        return list(renewed.values())


def _check_encoded_words(headers: Headers) -> None:
    """No address field that becomes two fields at a program that decodes its words and writes them down."""
    for name in ADDRESS_FIELDS:
        if any(map(hides_line_break, headers.raw_values(name.lower().encode()))):
            text = f"An encoded word in the {name} field hides a line break"
            raise Rejected(text, reply=Reply(554, "5.6.0", text))


async def _together(work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Run coroutines at the same time; a single one without the price of a task."""
    if len(work) == 1:
        await work[0]
    else:
        await asyncio.gather(*work)


def bare_message_id(headers: Headers) -> str:
    """The Message-ID without its brackets, empty when there is none (then sending adds one)."""
    text = (headers.last_text("message-id") or "").strip()
    bracketed = _MSG_ID.search(text)
    return (bracketed[1] if bracketed else text.strip("<> "))[:LONGEST_MESSAGE_ID]


def _packs(batch: Sequence[Prepared]) -> list[list[Prepared]]:
    """Groups of one server whose bodies share a stored object, each at most LARGEST_PACK. A body of more than
    LARGEST_PACKED is alone."""
    packs: list[list[Prepared]] = []
    open_packs: dict[ServerId, tuple[list[Prepared], int]] = {}
    for prepared in batch:
        size = len(prepared.body)
        if size > LARGEST_PACKED:
            packs.append([prepared])
            continue
        pack, used = open_packs.get(prepared.server.id, ([], 0))
        if pack and used + size > LARGEST_PACK:
            pack, used = [], 0
        if not pack:
            packs.append(pack)
        pack.append(prepared)
        open_packs[prepared.server.id] = (pack, used + size)
    return packs
