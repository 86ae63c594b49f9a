"""Reports about forwarded mail go back to who sent it (api.md 2.8).

They come at the SRS address that the mail was forwarded under, or at the return path that stood in its place. They are
sent on with a null sender, as all mail of others is: inspected, without fields that only we may write, sealed. They
suppress nothing; one that fails is not bounced. How many there may be is counted where they arrive.
"""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.incoming.checks import Decision, Fail
from chalicelib.domain.mail.headers import read_headers
from chalicelib.services.incoming.accept import is_delivery_report
from chalicelib.services.incoming.address_endpoint import by_pool_of
from chalicelib.services.incoming.arc_seal import SealArc
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.forwarded_senders import ForwardedSenders
from chalicelib.services.incoming.forwarding import Forwarding
from chalicelib.services.outgoing.smtp_sender import SmtpSender

NOT_OURS = "This address is not one that mail was forwarded under."


class FindForwarded:
    """The step that notes whom a report is to go back to."""

    def __init__(self, senders: ForwardedSenders) -> None:
        self._senders = senders

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Fails what may not be sent to such an address. Raises TemporaryFailure."""
        message = attempt.record.message
        try:
            # As it was when the message was taken: the days are counted to its arrival.
            found = await self._senders.behind(message.rcpt_to, message.received_at)
        except NotFound:
            return Fail(NOT_OURS)
        if found is None:
            return None
        is_report = not message.mail_from and is_delivery_report(read_headers(attempt.stored))
        if found.server_id != message.server_id or not is_report:
            return Fail(NOT_OURS)
        attempt.returns_to = found.address
        return None


class ReturnToSender:
    """The step that sends reports on."""

    def __init__(self, sender: SmtpSender, forwarding: Forwarding, arc: SealArc) -> None:
        self._sender = sender
        self._forwarding = forwarding
        self._arc = arc

    async def run(self, attempt: IncomingAttempt) -> None:
        """Sends a report on if it came at such an address. Raises TemporaryFailure."""
        if attempt.returns_to is None:
            return
        message = attempt.record.message
        envelope = await self._forwarding.envelope(attempt, attempt.returns_to, is_report=True)
        arc_set = await self._arc.fields(attempt.content, attempt.inspection)
        content = (self._forwarding.delivered_to(message), arc_set, attempt.content)
        result = await self._sender.deliver(
            by_pool_of(attempt), envelope, content, attempt.record.tries
        )
        attempt.said = EndpointResult(result, bounces=False)
