"""Handing an incoming message to the SMTP server that a customer names (contract section 5B).

The server's addresses are looked up by ourselves, and the one found is the one connected to, unless it is closed
(`domain.destination_guard`). To one that takes no 8-bit content, which is the customer's own, the message goes in other
encodings. Nothing is stored or tried again here.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

from chalicelib.config import Settings
from chalicelib.domain.destination_guard import literal_address, read_guard
from chalicelib.domain.envelope import Target
from chalicelib.domain.errors import (
    PermanentFailure,
    Rejected,
    SourceUnavailable,
    TemporaryFailure,
)
from chalicelib.domain.mail.eight_bit import seven_bit
from chalicelib.domain.outgoing.destination import destination_of
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict, unreachable_text
from chalicelib.domain.tenancy.endpoints import Endpoint, source_of
from chalicelib.ports.clock import Clock
from chalicelib.ports.resolver import Resolver
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.forwarding import Forwarding
from chalicelib.services.outgoing.smtp_attempt import SmtpAttempt
from chalicelib.services.outgoing.smtp_result import gave_up, unreachable
from chalicelib.services.outgoing.targets import within
from chalicelib.services.outgoing.try_hosts import TryHosts

BLOCKED = "Blocked destination"


class SmtpEndpoint:
    """The sender for SMTP endpoints."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        resolver: Resolver,
        hosts: TryHosts,
        forwarding: Forwarding,
    ) -> None:
        self._deadline = settings.deadline_seconds
        self._guard = read_guard(settings.allowed_destinations, settings.allow_private_destinations)
        self._clock = clock
        self._resolver = resolver
        self._hosts = hosts
        self._forwarding = forwarding

    async def deliver(self, attempt: IncomingAttempt, endpoint: Endpoint) -> EndpointResult:
        """One attempt. Raises TemporaryFailure when the key of our addresses cannot be opened."""
        message = attempt.record.message
        front = self._forwarding.delivered_to(message)
        began = self._clock.monotonic()

        async def converted() -> Sequence[bytes] | None:
            body = seven_bit(attempt.content)
            return None if body is None else (front, body)

        smtp = SmtpAttempt(
            message=message,
            envelope=await self._forwarding.envelope(attempt, message.rcpt_to),
            content=(front, attempt.content),
            tries=attempt.record.tries,
            converted=converted,
            clock=self._clock,
            ends=began + self._deadline,
            domain=endpoint.hostname,
        )
        result = await self._hand_over(smtp, endpoint)
        return EndpointResult(replace(result, seconds=self._clock.monotonic() - began))

    async def _hand_over(self, smtp: SmtpAttempt, endpoint: Endpoint) -> AttemptResult:
        try:
            smtp.envelope, _ = destination_of(smtp.envelope)
            addresses = await self._addresses(smtp, endpoint.hostname)
            open_ones = [one for one in addresses if self._guard.allows(one, endpoint.hostname)]
            if addresses and not open_ones:
                details = unreachable_text(endpoint.hostname, ())
                return AttemptResult(Verdict.SOFT, details, BLOCKED, about_us=True, cause="policy")
            targets = [Target(endpoint.hostname, one, endpoint.port) for one in open_ones]
            return await self._hosts.run(source_of(endpoint), smtp, _in_turn(targets))
        except (PermanentFailure, Rejected) as proven:
            return gave_up(smtp, Verdict.HARD, proven)
        except SourceUnavailable as refused:
            smtp.last_failure = refused
            return unreachable(smtp)
        except TemporaryFailure as away:
            return gave_up(smtp, Verdict.SOFT, away)

    async def _addresses(self, smtp: SmtpAttempt, host: str) -> Sequence[str]:
        """AAAA before A."""
        literal = literal_address(host)
        if literal is not None:
            return (str(literal),)
        return await within(smtp, self._resolver.addresses(host))


async def _in_turn(targets: Sequence[Target]) -> AsyncIterator[tuple[Target, int]]:
    for number, target in enumerate(targets, 1):
        yield target, len(targets) - number
