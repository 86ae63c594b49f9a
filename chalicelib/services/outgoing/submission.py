"""What a client hands over, and what becomes of it before it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.acceptance import Acceptance
from chalicelib.domain.dsn_parameters import DsnParameters
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.compose import Draft
from chalicelib.domain.model import BlobRef, Message, Origin, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.operations import Operation
from chalicelib.domain.reply import Reply
from chalicelib.domain.send_options import NOTHING_SAID, SendOptions
from chalicelib.services.tenancy.authenticate import Principal

IN_HEADERS = "/headers"
"""Where a request has the fields of its message, one by one."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a submission, with its DSN parameters if the client gave any."""

    address: str
    dsn: DsnParameters | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One message to send. Addresses are the envelope's; `mail_from` may be empty. `content` is as it came; `received`
    is a trace field to put in front of it; with `blind` its Bcc fields are taken out (RFC 5322 §3.6.3). A `draft` is
    composed into content before the message is prepared. `options` are what its request says of how it is to be sent,
    `header_at` where the request has the fields of its content; an idempotency key among those acts if it
    `takes_key`. `mark` tells a submission from another with the same key, where its content is none that the client
    wrote. `acceptance` is how it came in."""

    principal: Principal
    mail_from: str
    recipients: tuple[Recipient, ...]
    content: bytes = b""
    tag: str | None = None
    bounce: bool = False
    received_with_ssl: bool = False
    smtputf8: bool = False
    received: bytes = b""
    blind: bool = False
    draft: Draft | None = None
    options: SendOptions = NOTHING_SAID
    header_at: str = IN_HEADERS
    takes_key: bool = True
    mark: str = ""
    acceptance: Acceptance | None = None


@dataclass(slots=True)
class Prepared:
    """A submission that passed every accept step: its bytes, and all that its messages say but where these lie.

    `names` are number and token of the message for each of `to`, in order, and `origins` where it comes from and the
    pool that it leaves by. `messages` are there once the bytes are
    stored. What is the same for all has the names of `Message`. `key` is the one under which it is accepted once,
    empty for none, and `mark` a digest of what the client sent under it."""

    body: bytes
    to: tuple[Recipient, ...]
    names: list[tuple[MessageId, str]]
    server_id: ServerId
    mail_from: str
    subject: str
    message_id: str
    received_at: float
    origins: tuple[Origin, ...]
    tag: str | None
    bounce: bool
    hold: bool
    received_with_ssl: bool
    smtputf8: bool
    operation: Operation | None = None
    reports_on: MessageId | None = None
    stream: str | None = None
    metadata: str | None = None
    scheduled_at: float | None = None
    unsubscribe: bool = False
    key: str = ""
    mark: str = ""
    limits: str | None = None
    acceptance: str | None = None
    messages: tuple[Message, ...] = ()

    @property
    def recipients(self) -> int:
        """How many recipients the message has."""
        return len(self.to)

    def messages_at(self, blob: BlobRef) -> tuple[Message, ...]:
        """The messages, of which the bytes lie at this place."""
        size, first = len(self.body), self.names[0][0]
        return tuple(
            Message(
                server_id=self.server_id,
                id=number,
                token=token,
                scope=Scope.OUTGOING,
                mail_from=self.mail_from,
                rcpt_to=recipient.address,
                subject=self.subject,
                message_id=self.message_id,
                received_at=self.received_at,
                size=size,
                blob=blob,
                origin=origin,
                tag=self.tag,
                bounce=self.bounce,
                hold=self.hold,
                received_with_ssl=self.received_with_ssl,
                smtputf8=self.smtputf8,
                dsn=recipient.dsn,
                operation=self.operation,
                reports_on=self.reports_on,
                stream=self.stream,
                metadata=self.metadata,
                scheduled_at=self.scheduled_at,
                unsubscribe=self.unsubscribe,
                limits=self.limits,
                acceptance=self.acceptance,
                request=None if number == first else first,
            )
            for (number, token), recipient, origin in zip(
                self.names, self.to, self.origins, strict=True
            )
        )


def check_size(settings: Settings, size: int) -> None:
    """Raise Rejected for a message of more bytes than may be sent."""
    largest = settings.max_message_size
    if size > largest:
        text = f"Message too large (maximum size {largest // 1_048_576}MB)"
        raise Rejected(text, reply=Reply(552, "5.3.4", text), size=size)
