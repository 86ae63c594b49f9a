"""Hands one message to a receiving server: by which way out, to which of its hosts.

Never raises for what the world does: the result is always an `AttemptResult`, temporary unless a refusal is proven.
`deadline_seconds` is all that one attempt takes (crash rule 8). It does not
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
from chalicelib.domain.outgoing.provider import provider_of
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.ports.clock import Clock
from chalicelib.services.outgoing.smtp_attempt import Converted, SmtpAttempt
from chalicelib.services.outgoing.smtp_result import gave_up
from chalicelib.services.outgoing.targets import FindTargets
from chalicelib.services.outgoing.try_hosts import TryHosts
from chalicelib.services.tenancy.directory import Directory

NO_SOURCE = "No egress source of pool {pool} is available."


class SmtpSender:
    """The sending use case. `deadline` replaces the seconds of the settings that one attempt may take."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        directory: Directory,
        targets: FindTargets,
        hosts: TryHosts,
        deadline: float | None = None,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._targets = targets
        self._hosts = hosts
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
        seconds = self._clock.monotonic() - began
        return replace(result, seconds=seconds, provider=provider_of(attempt.exchange))

    async def _by_some_source(self, attempt: SmtpAttempt) -> AttemptResult:
        pool = attempt.message.origin.pool
        sources = await self._directory.egress_sources(pool) or (IMPLIED,)
        avoid: set[str] = set()
        result = None
        while source := choose_source(sources, attempt.message.token, self._clock.now(), avoid):
            avoid.add(source.name)
            attempt.passed_over = ""
            try:
                result = await self._hosts.run(source, attempt, self._targets.find(source, attempt))
            except SourceUnavailable as fault:
                attempt.last_failure = fault
                continue
            is_said = attempt.left is not None or attempt.seconds_left <= 0
            if is_said or not attempt.passed_over:
                return result
            # Nobody has said anything: another source may go to an address that this one does not.
            beyond = attempt.passed_over
            avoid |= {one.name for one in sources if not self._targets.goes_to(one, beyond)}
        if (known := attempt.left or result) is not None:
            return known
        reason = f" {attempt.last_failure.public}" if attempt.last_failure else ""
        raise TemporaryFailure(NO_SOURCE.format(pool=pool) + reason)
