"""Reports about forwarded mail go back to who sent it (api.md 2.8).

They come at the SRS address that the mail was forwarded under, or at the return path that stood in its place. They are
sent on with a null sender, and suppress nothing; one that fails is not bounced.
"""

from __future__ import annotations

from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import read_return_path_local, read_token
from chalicelib.domain.incoming.checks import Decision, Fail
from chalicelib.domain.incoming.srs import DAYS, is_srs, original
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.model import Message, Scope
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.accept import FORWARDED_REPORTS, is_delivery_report
from chalicelib.services.incoming.address_endpoint import by_pool_of
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.incoming.forwarding import Forwarding
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.rates import RateExceeded, Rates
from chalicelib.services.tenancy.address_mac import AddressMac

NOT_OURS = "This address is not one that mail was forwarded under."
RETURN_PATH = 24


class ReturnToSender:
    """The step that sends reports on."""

    def __init__(
        self,
        messages: MessageStore,
        mac: AddressMac,
        sender: SmtpSender,
        forwarding: Forwarding,
        rates: Rates,
    ) -> None:
        self._messages = messages
        self._mac = mac
        self._sender = sender
        self._forwarding = forwarding
        self._rates = rates

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Sends a report on if it came at such an address. Raises TemporaryFailure."""
        message = attempt.record.message
        local = message.rcpt_to.rpartition("@")[0]
        if is_srs(local):
            # As it was when the message was taken: the days are counted to its arrival.
            found = original(local, await self._mac.key(), message.received_at)
            if found is None or found.server_id != message.server_id:
                return Fail(NOT_OURS)
            address = found.address
        elif message.bounce and len(local) == RETURN_PATH:
            forwarded = await self._forwarded(message, local)
            if forwarded is None:
                return None
            if not await self._may_go_back(attempt, forwarded):
                return Fail(NOT_OURS)
            address = forwarded.mail_from
        else:
            return None
        await self._send(attempt, address)
        return None

    async def _forwarded(self, message: Message, local: str) -> Message | None:
        """The incoming message that this return path is of."""
        token = read_return_path_local(local, await self._mac.key())
        numbers = read_token(token) if token else None
        if numbers is None or numbers[0] != message.server_id:
            return None
        try:
            record = await self._messages.get(message.server_id, MessageId(numbers[1]))
        except NotFound:
            return None
        known = record.message
        is_forwarded = known.scope is Scope.INCOMING and known.token == token and known.mail_from
        return known if is_forwarded else None

    async def _may_go_back(self, attempt: IncomingAttempt, forwarded: Message) -> bool:
        """What holds of SRS addresses at the port: a report from the null sender, in time, and not one of many."""
        message, headers = attempt.record.message, read_headers(attempt.stored)
        if message.mail_from or not is_delivery_report(headers):
            return False
        if message.received_at - forwarded.received_at > (DAYS + 1) * DAY:
            return False
        if attempt.record.tries:
            return True
        try:
            await self._rates.count(FORWARDED_REPORTS, message.rcpt_to)
        except RateExceeded:
            return False
        return True

    async def _send(self, attempt: IncomingAttempt, address: str) -> None:
        message = attempt.record.message
        envelope = await self._forwarding.envelope(attempt, address, is_report=True)
        content = (self._forwarding.delivered_to(message), attempt.content)
        result = await self._sender.deliver(
            by_pool_of(attempt), envelope, content, attempt.record.tries
        )
        attempt.said = EndpointResult(result, bounces=False)
