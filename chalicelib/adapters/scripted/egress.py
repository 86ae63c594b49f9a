"""Connections to a world that follows a script: every receiver says 250 until told otherwise.

`will` queues outcomes for a recipient, `@domain`, host or address, in that order of precedence; each is used once, and
after the last the default returns. `always` sets a lasting one. An outcome that is an error is raised, any other is
the answer. `refuse` does the same for `connect`. What the receivers got is in `received`. A source is never suspended
here, and a released conversation is never found dead. `seven_bit` holds the hosts that do not offer 8BITMIME.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.envelope import Envelope, Target
from chalicelib.domain.errors import MailError, TemporaryFailure
from chalicelib.domain.reply import Reply
from chalicelib.domain.smtp.commands import (
    NEEDS_8BITMIME,
    Extensions,
    mail_command,
    rcpt_command,
)
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.domain.transcript import Transcript
from chalicelib.ports.egress import Egress, TransactionResult

Outcome = TransactionResult | MailError
SiteKey = tuple[str, str, int, str]
ACCEPTED = TransactionResult(Reply(250, "2.0.0", "OK"), ".")
OFFERED = Extensions(dict.fromkeys(("SIZE", "8BITMIME", "SMTPUTF8", "DSN"), ""))


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
        return isinstance(self.outcome, TransactionResult) and self.outcome.reply.is_positive


class ScriptedEgress(Egress):
    """The `Egress` port over a script."""

    def __init__(self) -> None:
        self.tls: str | None = "TLSv1.3 TLS_AES_256_GCM_SHA384"
        self.opened = 0
        self.closed = 0
        self.received: list[ReceivedMail] = []
        self.seven_bit: set[str] = set()
        self._once: dict[str, deque[Outcome]] = {}
        self._always: dict[str, Outcome] = {}
        self._refusals: dict[str, deque[MailError]] = {}
        self._idle: dict[SiteKey, int] = {}

    def will(self, key: str, *outcomes: Outcome) -> None:
        """Queue outcomes for a recipient, `@domain`, host or address."""
        self._once.setdefault(key.lower(), deque()).extend(outcomes)

    def always(self, key: str, outcome: Outcome) -> None:
        """Set the lasting outcome of a recipient, `@domain`, host or address."""
        self._always[key.lower()] = outcome

    def refuse(self, key: str, *errors: MailError) -> None:
        """Queue errors for `connect` to a host or address."""
        self._refusals.setdefault(key.lower(), deque()).extend(errors)

    async def connect(
        self, target: Target, source: EgressSource, transcript: Transcript | None = None
    ) -> ScriptedConversation:
        """A kept or new conversation, unless a refusal is queued."""
        transcript = transcript or Transcript(lambda: 0.0)
        transcript.begin(target.host, target.address)
        for key in (target.host.lower(), target.address.lower()):
            if self._refusals.get(key):
                raise self._refusals[key].popleft()
        site = _site(target, source)
        if self._idle.get(site):
            self._idle[site] -= 1
        else:
            self.opened += 1
        return ScriptedConversation(self, target, source, transcript)

    def take(
        self, target: Target, source: EgressSource, envelope: Envelope, parts: Sequence[bytes]
    ) -> Outcome:
        """Record a transaction and say how it ends."""
        outcome = self._outcome(target, envelope)
        self.received.append(ReceivedMail(target, source, envelope, tuple(parts), outcome))
        return outcome

    def end(self, target: Target, source: EgressSource, *, keep: bool) -> None:
        """Keep the session of a conversation for the next `connect` to the same place, or close it."""
        if keep:
            key = _site(target, source)
            self._idle[key] = self._idle.get(key, 0) + 1
        else:
            self.closed += 1

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

    def __init__(
        self,
        egress: ScriptedEgress,
        target: Target,
        source: EgressSource,
        transcript: Transcript,
    ) -> None:
        self._transcript = transcript
        self.target = target
        self.tls = egress.tls
        self.source = source.address or source.name
        self.egress_source = source
        self._egress = egress
        self._is_fit = True
        self._is_over = False

    @property
    def has_begun(self) -> bool:
        """False: an answer takes no time here."""
        return False

    async def transact(self, envelope: Envelope, content: Sequence[bytes]) -> TransactionResult:
        """The scripted answer, or the scripted error raised."""
        if self._is_over or not self._is_fit:
            raise TemporaryFailure("The conversation is over.")
        self._transcript.say(mail_command(envelope, OFFERED, 0, eight_bit=False))
        self._transcript.say(rcpt_command(envelope, OFFERED))
        narrow = self.target.host in self._egress.seven_bit
        if narrow and not all(map(bytes.isascii, content)):
            return TransactionResult(NEEDS_8BITMIME, "MAIL")
        outcome = self._egress.take(self.target, self.egress_source, envelope, content)
        if isinstance(outcome, MailError):
            self._is_fit = False
            raise outcome
        if outcome.stage == ".":
            self._transcript.say(b"DATA")
            self._transcript.send(sum(map(len, content)))
        self._transcript.hear(outcome.reply)
        self._is_fit = outcome.reply.code != 421
        return outcome

    async def release(self) -> None:
        """Give the session back for reuse."""
        if self._is_over:
            raise TemporaryFailure("The conversation is over.")
        self._is_over = True
        self._egress.end(self.target, self.egress_source, keep=self._is_fit)

    async def close(self) -> None:
        """End the conversation."""
        if not self._is_over:
            self._is_over = True
            self._egress.end(self.target, self.egress_source, keep=False)


def _site(target: Target, source: EgressSource) -> SiteKey:
    return source.name, target.address, target.port, source.ehlo
