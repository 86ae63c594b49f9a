"""SMTP conversations with other hosts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.domain.transcript import Transcript


@dataclass(frozen=True, slots=True)
class TransactionResult:
    """How one mail transaction ended: the deciding reply, and at which command (`MAIL`, `RCPT`, `DATA`, `.`)."""

    reply: Reply
    stage: str


class Conversation(Protocol):
    """An open SMTP session with one host, past greeting, EHLO and TLS."""

    target: Target
    tls: str | None  # "TLSv1.3 TLS_AES_256_GCM_SHA384", None in clear text
    source: str  # the local address as the socket tells it

    @property
    def has_begun(self) -> bool:
        """True once the server has agreed to content in the present transaction."""

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> TransactionResult:
        """Send one message (its parts concatenated are the exact bytes, CRLF lines, not dot-stuffed).
        Any reply is a result. It is `NEEDS_8BITMIME`, and nothing was said to the server, when the content is
        8-bit and the server takes no such content: other content may follow in the same conversation.
        TemporaryFailure: the connection failed before the final dot was sent.
        OutcomeUnknown: it failed after that, with no reply read."""

    async def release(self) -> None:
        """Give the session back for reuse by a later message to the same target from the same source."""

    async def close(self) -> None:
        """Say QUIT if possible and close."""


class Egress(Protocol):
    """Connections to the world by egress source."""

    async def connect(
        self, target: Target, source: EgressSource, transcript: Transcript | None = None
    ) -> Conversation:
        """A kept or new session, of which `transcript` takes down what is said until it is released. TemporaryFailure
        with a public text when greeting, EHLO or TLS cannot be completed: a 4xx or 5xx greeting too, since another host
        may still take the message."""
