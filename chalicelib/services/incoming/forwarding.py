"""How mail of others is sent on: under an address of ours that leads back to its sender (SRS), with a field in front
that a loop is known by.

The message is not changed. One that came with SMTPUTF8 and has such a header needs a server with SMTPUTF8; what others
have in theirs goes as it came.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.envelope import Envelope
from chalicelib.domain.ids import is_own_token, return_path_local
from chalicelib.domain.incoming.srs import rewritten
from chalicelib.domain.mail.headers import find_body
from chalicelib.domain.model import Message
from chalicelib.ports.clock import Clock
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.tenancy.address_mac import AddressMac


class Forwarding:
    """Envelopes and fields of mail that is sent on."""

    def __init__(self, settings: Settings, clock: Clock, mac: AddressMac) -> None:
        self._settings = settings
        self._clock = clock
        self._mac = mac

    async def envelope(
        self, attempt: IncomingAttempt, rcpt_to: str, *, is_report: bool = False
    ) -> Envelope:
        """The envelope to a recipient. A null sender stays null, and a report gets one; a sender that no SRS address
        holds is written as a return path of the message, which means the same. TemporaryFailure when the key cannot
        be opened."""
        message = attempt.record.message
        has_sender = message.mail_from and not is_report
        mail_from = await self._sender(attempt) if has_sender else ""
        return Envelope(
            mail_from,
            rcpt_to,
            message.smtputf8,
            None if is_report else message.dsn,
            utf8_header=message.smtputf8 and _has_utf8_header(attempt),
        )

    def delivered_to(self, message: Message) -> bytes:
        """The field by which mail that comes back to the same recipient is known."""
        return f"Delivered-To: {message.rcpt_to}\r\n".encode()

    async def _sender(self, attempt: IncomingAttempt) -> str:
        message = attempt.record.message
        key, domain = await self._mac.key(), self._settings.return_path_domain
        found = rewritten(message.mail_from, message.server_id, domain, key, self._clock.now())
        if found is not None:
            return found
        if not is_own_token(message.token, message.server_id, message.id):
            return f"{attempt.facts.server.token}@{domain}"
        return f"{return_path_local(message.token, key, forwarded=True)}@{domain}"


def _has_utf8_header(attempt: IncomingAttempt) -> bool:
    if attempt.content.isascii():
        return False
    header_ends = find_body(attempt.content, 0, len(attempt.content))
    return not attempt.content[:header_ends].isascii()
