"""Taking responsibility for a submitted message: decide, number it, store it, and only then say yes.

`AcceptMail.prepare` runs the accept steps once, in memory: size, newlines, loop, sender, recipients, tag, options,
pool, numbers. `AcceptMail.store` makes a batch durable; only then has anything been promised.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.errors import Rejected
from chalicelib.domain.limits.limit import limits_over, marks_of
from chalicelib.domain.mail.encoded_words import hides_line_break
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mailbox import envelope_fault, identity
from chalicelib.domain.mail.mending import mended
from chalicelib.domain.mail.newlines import has_bare_newline, has_nul, normalise_newlines
from chalicelib.domain.mail.option_fields import IDEMPOTENCY_KEY, OptionField, taken_out
from chalicelib.domain.model import Message, Origin
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.credentials import BareNewlines
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.ports.clock import Clock
from chalicelib.services.outgoing.accept_once import mark_of
from chalicelib.services.outgoing.authorise_sender import AuthoriseSender
from chalicelib.services.outgoing.choose_pool import ChoosePool
from chalicelib.services.outgoing.numbers import MessageNumbers
from chalicelib.services.outgoing.options import ChooseOptions
from chalicelib.services.outgoing.store import StoreMail
from chalicelib.services.outgoing.submission import (
    Prepared,
    Recipient,
    Submission,
    check_size,
)

LONGEST_SUBJECT = 200
LONGEST_TAG = 100
LONGEST_MESSAGE_ID = 255
MOST_OWN_RECEIVED = 4
MOST_RECEIVED = 100  # RFC 5321 §6.3
BLIND_FIELDS = frozenset((b"bcc", b"resent-bcc"))
ADDRESS_FIELDS = ("From", "Sender", "Reply-To", "To", "Cc")
_MSG_ID = re.compile(r"<([^<>]+)>")


class AcceptMail:
    """The accept use case."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        sender: AuthoriseSender,
        numbers: MessageNumbers,
        store: StoreMail,
        pools: ChoosePool,
        options: ChooseOptions,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._sender = sender
        self._numbers = numbers
        self._store = store
        self._pools = pools
        self._options = options
        self._own_trace = f"by {settings.smtp_hostname} ".lower().encode()

    async def submit(self, submission: Submission) -> tuple[Message, ...]:
        """Prepare and store one submission; a message for each recipient, in order."""
        prepared = await self.prepare(submission)
        await self.store([prepared])
        return prepared.messages

    async def store(self, batch: Sequence[Prepared]) -> None:
        """Make a batch durable. Raises TemporaryFailure; see `chalicelib.services.outgoing.store`."""
        await self._store.store(batch)

    async def prepare(self, submission: Submission) -> Prepared:
        """The accept steps. Raises Rejected (size, newlines, loop, envelope), SenderRefused, TemporaryFailure."""
        check_size(self._settings, len(submission.content))
        content = self._lines(submission)
        if content[:1] in (b" ", b"\t"):  # it would continue the field that is put before it
            raise Rejected("Message begins with white space")
        content, headers = mended(content, BLIND_FIELDS if submission.blind else ())
        # CRLF for LF, and names for mbox lines, have made it larger.
        check_size(self._settings, len(content))
        if content is not submission.content:
            submission = replace(submission, content=content)  # lets go of what it was before
        if headers.truncated:
            raise Rejected("The header section is too large")
        if headers.has_any((IDEMPOTENCY_KEY,)) and submission.takes_key:
            submission = replace(submission, mark=mark_of(submission, headers))
        content, headers, fields = taken_out(content, headers)
        if fields:
            submission = replace(submission, content=content)
        _check_encoded_words(headers)
        self._check_loop(headers, submission)
        domain = await self._sender.domain(submission.principal, headers)
        recipients = self._recipients(submission)
        return await self._prepared(submission, recipients, headers, fields, domain)

    def _lines(self, submission: Submission) -> bytes:
        """Content whose every CR and LF is part of a CRLF, and without NUL: anything else can hide a second message
        at the next hop."""
        content = submission.content
        nul, bare = has_nul(content), has_bare_newline(content)
        if not nul and not bare:
            return content
        if submission.principal.credential.bare_newlines is BareNewlines.NORMALISE:
            return normalise_newlines(content.replace(b"\0", b""))
        if nul:
            raise Rejected("Message contains a NUL character")
        raise Rejected("Message contains a bare CR or LF; lines must end in CRLF")

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
        unique = submission.recipients
        if len(unique) > 1:
            by_identity: dict[str, Recipient] = {}
            for recipient in unique:
                by_identity.setdefault(identity(recipient.address), recipient)
            unique = tuple(by_identity.values())
        if len(unique) > self._settings.max_recipients:
            text = f"Too many recipients (maximum {self._settings.max_recipients})"
            raise Rejected(text, reply=Reply(452, "4.5.3", text))
        addresses = [recipient.address for recipient in unique]
        if any(map(envelope_fault, (submission.mail_from, *addresses))):
            text = "An envelope address is malformed"
            raise Rejected(text, reply=Reply(553, "5.1.3", text))
        return unique

    async def _prepared(
        self,
        submission: Submission,
        recipients: tuple[Recipient, ...],
        headers: Headers,
        fields: Mapping[bytes, OptionField],
        domain: Domain,
    ) -> Prepared:
        """What is stored, with a number for each recipient."""
        server, credential = submission.principal.server, submission.principal.credential
        now, came = self._clock.now(), submission.acceptance
        options = await self._options.of(submission, fields, now)
        pools = await self._pools.of(server, headers, [one.address for one in recipients])
        names = await self._numbers.take(server.id, len(recipients))
        tag = submission.tag or headers.last_text("x-postal-tag")
        received, content = submission.received, submission.content
        return Prepared(
            # Put together last, so that nothing waits with both in memory.
            body=received + content if received else content,
            to=recipients,
            names=names,
            server_id=server.id,
            mail_from=submission.mail_from,
            subject=(headers.last_text("subject") or "")[:LONGEST_SUBJECT],
            message_id=bare_message_id(headers),
            received_at=now,
            origins=tuple(Origin(pool, domain.name, credential.id) for pool in pools),
            tag=tag.strip()[:LONGEST_TAG] or None if tag else None,
            bounce=submission.bounce,
            hold=credential.hold,
            received_with_ssl=submission.received_with_ssl,
            smtputf8=submission.smtputf8,
            stream=options.stream,
            metadata=options.metadata,
            scheduled_at=options.scheduled_at,
            unsubscribe=options.unsubscribe,
            key=options.key,
            mark=submission.mark,
            limits=marks_of(limits_over(server, credential), ()) or None,
            acceptance=None if came is None else came.render(privacy=server.privacy_mode),
        )


def _check_encoded_words(headers: Headers) -> None:
    """No address field that becomes two fields at a program that decodes its words and writes them down."""
    for name in ADDRESS_FIELDS if headers.encoded else ():
        if any(map(hides_line_break, headers.raw_values(name.lower().encode()))):
            raise Rejected(f"An encoded word in the {name} field hides a line break")


def bare_message_id(headers: Headers) -> str:
    """The Message-ID without its brackets, empty when there is none (then sending adds one)."""
    text = (headers.last_text("message-id") or "").strip()
    bracketed = _MSG_ID.search(text)
    return (bracketed[1] if bracketed else text.strip("<> "))[:LONGEST_MESSAGE_ID]
