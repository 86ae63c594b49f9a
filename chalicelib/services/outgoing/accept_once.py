"""Mail with an idempotency key among its fields is accepted once in 24 hours.

Whoever stores a message claims its key first, and says then what became of it. The key belongs to the server and the
envelope. When the process dies between storing and saying so, the key is free again after 60 seconds, and the message
may be accepted twice, as without a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress

from chalicelib.domain.errors import Conflict, MailError
from chalicelib.domain.model import Message
from chalicelib.domain.numbering import MessageId
from chalicelib.ports.clock import Clock
from chalicelib.ports.idempotency import Claimed, IdempotencyKeys
from chalicelib.ports.messages import MessageStore
from chalicelib.services.idempotency import KeyInFlight
from chalicelib.services.outgoing.submission import Prepared

ACCEPTED = 202
# What was stored or refused stays so, even if the store cannot note it; the claim then lapses by itself.
_STAYS_SO = suppress(MailError)


class AcceptOnce:
    """Claims and ends the keys of prepared messages."""

    def __init__(self, keys: IdempotencyKeys, messages: MessageStore, clock: Clock) -> None:
        self._keys = keys
        self._messages = messages
        self._clock = clock

    async def earlier(self, prepared: Prepared) -> tuple[Message, ...] | None:
        """The messages that were made under its key before; None when it is to be stored now, which `ended` must be
        told of. KeyInFlight while another is being stored."""
        if not prepared.key:
            return None
        server = prepared.server_id
        claim = await self._keys.begin(server, prepared.key, prepared.key, self._clock.now())
        if claim.found is Claimed.STARTED:
            return None
        if claim.found is not Claimed.REPLAY:
            raise KeyInFlight("A message with this idempotency key is being accepted")
        numbers = [MessageId(number) for number in json.loads(claim.body)]
        records = await self._messages.get_many([(server, number) for number in numbers])
        if not records:
            raise Conflict("What was accepted under this idempotency key is gone")
        return tuple(record.message for record in records)

    async def ended(self, batch: Iterable[Prepared], *, stored: bool) -> None:
        """Keep what was made under the keys of messages, or give the keys back."""
        for prepared in batch:
            if not prepared.key:
                continue
            with _STAYS_SO:
                if stored:
                    body = json.dumps(_numbers(prepared.messages))
                    await self._keys.complete(prepared.server_id, prepared.key, ACCEPTED, body)
                else:
                    await self._keys.abandon(prepared.server_id, prepared.key)


def _numbers(messages: Sequence[Message]) -> list[int]:
    return [message.id for message in messages]
