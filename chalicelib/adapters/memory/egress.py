"""Connections to a world that follows a script: every receiver says 250 until told otherwise.

`will` queues outcomes for a recipient, `@domain`, host or address, in that order of precedence; each is used once, and
after the last the default returns. `always` sets a lasting one. An outcome that is an error is raised, any other is
the answer. `refuse` does the same for `connect`. What the receivers got is in `received`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import MailError
from chalicelib.domain.model import EgressSource, Envelope, Target
from chalicelib.domain.reply import Reply
from chalicelib.ports import Transaction

Outcome = Transaction | MailError
ACCEPTED = Transaction(Reply(250, "2.0.0", "OK"), ".")


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One transaction as the receiver saw it. `parts` concatenated are the bytes after DATA."""

    target: Target
    source: EgressSource
    envelope: Envelope
    parts: tuple[bytes, ...]
    outcome: Outcome

    @property
    def content(self) -> bytes:
        """The message."""
        return b"".join(self.parts)

    @property
    def was_accepted(self) -> bool:
        """True when the receiver answered 2xx to the message."""
        return isinstance(self.outcome, Transaction) and self.outcome.reply.is_positive


class ScriptedEgress:
    """The `Egress` port over a script. With `keep=False` nothing but `count` is recorded (for benchmarks)."""

    def __init__(
        self, *, tls: str | None = "TLSv1.3 TLS_AES_256_GCM_SHA384", keep: bool = True
    ) -> None:
        self.tls = tls
        self.keep = keep
        self.count = 0
        self.opened = 0
        self.closed = 0
        self.received: list[ReceivedMail] = []
        self._once: dict[str, deque[Outcome]] = {}
        self._always: dict[str, Outcome] = {}
        self._refusals: dict[str, deque[MailError]] = {}
        self._idle: dict[tuple[Target, str], list[ScriptedConversation]] = {}

    def will(self, key: str, *outcomes: Outcome) -> None:
        """Queue outcomes for a recipient, `@domain`, host or address."""
        self._once.setdefault(key.lower(), deque()).extend(outcomes)

    def always(self, key: str, outcome: Outcome) -> None:
        """Set the lasting outcome of a recipient, `@domain`, host or address."""
        self._always[key.lower()] = outcome

    def refuse(self, key: str, *errors: MailError) -> None:
        """Queue errors for `connect` to a host or address."""
        self._refusals.setdefault(key.lower(), deque()).extend(errors)

    async def connect(self, target: Target, source: EgressSource) -> ScriptedConversation:
        """A kept or new conversation, unless a refusal is queued."""
        for key in (target.host.lower(), target.address.lower()):
            if self._refusals.get(key):
                raise self._refusals[key].popleft()
        kept = self._idle.get((target, source.name))
        if kept:
            return kept.pop()
        self.opened += 1
        return ScriptedConversation(self, target, source)

    def take(
        self, target: Target, source: EgressSource, envelope: Envelope, parts: Sequence[bytes]
    ) -> Outcome:
        """Record a transaction and say how it ends."""
        self.count += 1
        outcome = self._outcome(target, envelope)
        if self.keep:
            self.received.append(ReceivedMail(target, source, envelope, tuple(parts), outcome))
        return outcome

    def keep_idle(self, conversation: ScriptedConversation) -> None:
        """Keep a released conversation for the next `connect` to the same target and source."""
        key = (conversation.target, conversation.egress_source.name)
        self._idle.setdefault(key, []).append(conversation)

    def _outcome(self, target: Target, envelope: Envelope) -> Outcome:
        if not self._once and not self._always:
            return ACCEPTED
        recipient = envelope.rcpt_to.lower()
        domain = "@" + recipient.rpartition("@")[2]
        keys = (recipient, domain, target.host.lower(), target.address.lower())
        for key in keys:
            if self._once.get(key):
                return self._once[key].popleft()
            if key in self._always:
                return self._always[key]
        return ACCEPTED


class ScriptedConversation:
    """The `Conversation` port over a script."""

    def __init__(self, egress: ScriptedEgress, target: Target, source: EgressSource) -> None:
        self.target = target
        self.tls: str | None = egress.tls
        self.source = source.address or source.name
        self.egress_source = source
        self._egress = egress

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> Transaction:
        """The scripted answer, or the scripted error raised."""
        outcome = self._egress.take(self.target, self.egress_source, envelope, content)
        if isinstance(outcome, MailError):
            raise outcome
        return outcome

    async def release(self) -> None:
        """Give the conversation back for reuse."""
        self._egress.keep_idle(self)

    async def close(self) -> None:
        """End the conversation."""
        self._egress.closed += 1
