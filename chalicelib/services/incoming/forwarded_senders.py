"""Whose mail was forwarded under an address of ours: an SRS address, or the return path that stood in its place
(api.md 2.8).

Both are good for the same days, at the return-path domain alone. Of a return path the days are counted from the last
attempt on the message, which must be kept still. What may be sent there is the caller's to say.
"""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import read_return_path_local, read_token
from chalicelib.domain.incoming.srs import DAYS, Original, is_srs, original
from chalicelib.domain.mail.mailbox import domain_of, local_part
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.messages import MessageStore
from chalicelib.services.tenancy.address_mac import AddressMac

GONE = "There is no such address, or it is too old"


class ForwardedSenders:
    """Reads such addresses."""

    def __init__(self, settings: Settings, messages: MessageStore, mac: AddressMac) -> None:
        self._domain = settings.return_path_domain.lower()
        self._messages = messages
        self._mac = mac

    async def behind(self, address: str, now: float) -> Original | None:
        """Whom an address stands for at `now` (epoch seconds); None for an address of another kind. NotFound for one
        that is forged or too old; TemporaryFailure."""
        if domain_of(address) != self._domain:
            return None
        local, key = local_part(address), await self._mac.key()
        if is_srs(local):
            found = original(local, key, now)
            if found is None:
                raise NotFound(GONE)
            return found
        token = read_return_path_local(local, key, forwarded=True)
        return None if token is None else await self._of_message(token, now)

    async def _of_message(self, token: str, now: float) -> Original:
        numbers = read_token(token)
        if numbers is None:
            raise NotFound(GONE)
        server, number = ServerId(numbers[0]), MessageId(numbers[1])
        record = await self._messages.get(server, number, Scope.INCOMING)
        message = record.message
        sent = max(message.received_at, record.last_attempt_at or 0)
        if message.token != token or not message.mail_from or now - sent > DAYS * DAY:
            raise NotFound(GONE)
        return Original(server, message.mail_from)
