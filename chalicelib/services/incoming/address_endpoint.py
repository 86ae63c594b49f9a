"""Forwarding an incoming message to an address: to the MX of its domain, by the pool of the server (contract 5C)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.model import Message
from chalicelib.domain.tenancy.endpoints import Endpoint
from chalicelib.services.incoming.arc_seal import SealArc
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.forwarding import Forwarding
from chalicelib.services.outgoing.smtp_sender import SmtpSender


class AddressEndpoint:
    """The sender for endpoints that are addresses."""

    def __init__(self, sender: SmtpSender, forwarding: Forwarding, arc: SealArc) -> None:
        self._sender = sender
        self._arc = arc
        self._forwarding = forwarding

    async def deliver(self, attempt: IncomingAttempt, endpoint: Endpoint) -> EndpointResult:
        """One attempt. Raises TemporaryFailure when a key of ours cannot be opened."""
        message = attempt.record.message
        envelope = await self._forwarding.envelope(attempt, endpoint.address)
        arc_set = await self._arc.fields(attempt.content, attempt.inspection)
        content = (self._forwarding.delivered_to(message), arc_set, attempt.content)
        result = await self._sender.deliver(
            by_pool_of(attempt), envelope, content, attempt.record.tries
        )
        return EndpointResult(result)


def by_pool_of(attempt: IncomingAttempt) -> Message:
    """The message as one that leaves by the pool of its server."""
    message = attempt.record.message
    origin = replace(message.origin, pool=attempt.facts.server.pool)
    return replace(message, origin=origin)
