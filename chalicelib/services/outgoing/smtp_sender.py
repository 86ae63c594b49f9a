"""Hands one message to a receiving server: by which way out, to which of its hosts.

Never raises for what the world does: the result is always an `AttemptResult`, temporary unless a refusal is proven.
Another host is tried when nothing was said about the message (contract section 4.16): no connection, a conversation
that broke, or 421, before the content. `deadline_seconds` is all that one attempt takes (crash rule 8). It does not
store, retry later or suppress.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import (
    PermanentFailure,
    Rejected,
    SourceUnavailable,
    TemporaryFailure,
)
from chalicelib.domain.model import Message
from chalicelib.domain.outgoing.choose_source import IMPLIED, choose_source
from chalicelib.domain.outgoing.destination import destination_of
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.services.outgoing.conversation import Converse
from chalicelib.services.outgoing.smtp_attempt import Converted, SmtpAttempt
from chalicelib.services.outgoing.smtp_result import gave_up, unreachable
from chalicelib.services.outgoing.targets import FindTargets
from chalicelib.services.tenancy.directory import Directory

MOST_TARGETS = 20
NO_SOURCE = "No egress source of pool {pool} is available."


class SmtpSender:
    """The sending use case. `deadline` replaces the seconds of the settings that one attempt may take."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        targets: FindTargets,
        conversations: Converse,
        deadline: float | None = None,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._targets = targets
        self._conversations = conversations
        self._deadline = settings.deadline_seconds if deadline is None else deadline

    async def deliver(
        self,
        message: Message,
        envelope: Envelope,
        content: Sequence[bytes],
        tries: int,
        converted: Converted | None = None,
    ) -> AttemptResult:
        """Attempt to send; `tries` failed attempts came before. The concatenated parts of `content`
        are the exact bytes, with CRLF lines, not dot-stuffed. `converted` is asked for other content
        by a server that takes no 8-bit one; without it, or without an answer, that is the end (5.6.3)."""
        began = self._clock.monotonic()
        ends = began + self._deadline
        attempt = SmtpAttempt(message, envelope, content, tries, converted, self._clock, ends)
        try:
            attempt.envelope, attempt.domain = destination_of(envelope)
            result = await self._by_some_source(attempt)
        except (PermanentFailure, Rejected) as proven:
            result = gave_up(attempt, Verdict.HARD, proven)
        except TemporaryFailure as away:
            result = gave_up(attempt, Verdict.SOFT, away)
        return replace(result, seconds=self._clock.monotonic() - began)

    async def _by_some_source(self, attempt: SmtpAttempt) -> AttemptResult:
        pool = attempt.message.origin.pool
        sources = await self._directory.egress_sources(pool) or (IMPLIED,)
        avoid: set[str] = set()
        while True:
            source = choose_source(sources, attempt.message.token, self._clock.now(), avoid)
            if source is None and attempt.left is not None:
                return attempt.left
            if source is None:
                reason = f" {attempt.last_failure.public}" if attempt.last_failure else ""
                raise TemporaryFailure(NO_SOURCE.format(pool=pool) + reason)
            try:
                return await self._by(source, attempt)
            except SourceUnavailable as fault:
                attempt.last_failure = fault
                avoid.add(source.name)

    async def _by(self, source: EgressSource, attempt: SmtpAttempt) -> AttemptResult:
        """Try the targets in order until one has an opinion. Raises SourceUnavailable."""
        count = 0
        async for target, others in self._targets.find(source, attempt):
            count += 1
            if count > MOST_TARGETS or attempt.seconds_left <= 0:
                break
            attempt.tried.append(target.host)
            try:
                conversation = await self._conversations.connect(target, source, attempt, others)
            except SourceUnavailable:
                raise
            except TemporaryFailure as away:
                attempt.last_failure = away
                attempt.turned_away |= "turned_away" in away.fields
                continue
            result, is_final = await self._conversations.hand_over(
                conversation, source, attempt, others
            )
            if is_final:
                return result
            attempt.left = result
        return attempt.left or unreachable(attempt)
