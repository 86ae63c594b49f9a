"""What a client hands over, and what becomes of it before it is stored."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.compose import Draft
from chalicelib.domain.model import BlobRef, DsnParameters, Message
from chalicelib.domain.reply import Reply
from chalicelib.services.tenancy.authenticate import Principal

NOT_STORED = BlobRef("", 0, 0)
"""Where the body of a message lies that has no place yet."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient of a submission, with its DSN parameters if the client gave any."""

    address: str
    dsn: DsnParameters | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """One message to send. Addresses are the envelope's; `mail_from` may be empty. `content` is as it came; `received`
    is a trace field to put in front of it; with `blind` its Bcc fields are taken out (RFC 5322 §3.6.3). A `draft` is
    composed into content before the message is prepared."""

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


@dataclass(slots=True)
class Prepared:
    """A submission that passed every accept step: its bytes, and a message for each recipient, in order. They say
    where the bytes are once these are stored."""

    body: bytes
    messages: tuple[Message, ...]

    @property
    def recipients(self) -> int:
        """How many recipients the message has."""
        return len(self.messages)


def check_size(settings: Settings, size: int) -> None:
    """Raise Rejected for a message of more bytes than may be sent."""
    largest = settings.max_message_size
    if size > largest:
        text = f"Message too large (maximum size {largest // 1_048_576}MB)"
        raise Rejected(text, reply=Reply(552, "5.3.4", text), size=size)
