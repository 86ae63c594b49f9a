"""Making accepted mail durable.

When `StoreMail.store` returns, each message is delivered sooner or later even if this process dies at once. When it
raises, nothing was promised; a message may still go out, which a client that tries again sees as a duplicate (RFC
1047).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import BlobRef, Message
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.clock import Clock
from chalicelib.ports.intake import Intake, Mail
from chalicelib.services.outgoing.numbers import MessageNumbers


class Storable(Protocol):
    """What passed every accept step and waits to be stored: the bytes of one server, and number and token of each
    message that is made of them. `messages` are there once the bytes are stored."""

    body: bytes
    server_id: ServerId
    names: list[tuple[MessageId, str]]
    messages: tuple[Message, ...]

    @property
    def recipients(self) -> int:
        """How many messages are made of it."""

    def messages_at(self, blob: BlobRef) -> tuple[Message, ...]:
        """The messages, of which the bytes lie at this place."""


class StoreMail:
    """Stores batches of prepared messages."""

    def __init__(self, clock: Clock, numbers: MessageNumbers, intake: Intake) -> None:
        self._clock = clock
        self._numbers = numbers
        self._intake = intake

    async def store(self, batch: Sequence[Storable]) -> None:
        """Make a batch durable, and say in its messages where their bytes are. Raises TemporaryFailure."""
        batch = [prepared for prepared in batch if prepared.recipients]
        mails = [Mail(one.body, one.server_id, one.messages_at) for one in batch]
        stored = await self._intake.store(mails, self._clock.now())
        for prepared, found in zip(batch, stored, strict=True):
            prepared.messages = tuple([message for message, _ in found])
        collided = {
            message.token: message for found in stored for message, is_new in found if not is_new
        }
        if collided:
            await self._renumber(batch, collided)

    async def _renumber(self, batch: Sequence[Storable], collided: dict[str, Message]) -> None:
        """Store messages whose id belonged to another under a new one.

        Their first wake-ups, if any, die at the claim, because the token differs (crash rule 2).
        """
        renewed: dict[str, Message] = {}
        for message in collided.values():
            [(number, token)] = await self._numbers.take(message.server_id, 1)
            renewed[message.token] = replace(message, id=number, token=token)
        again = [_placed(message) for message in renewed.values()]
        stored = await self._intake.store(again, self._clock.now())
        if not all(is_new for found in stored for _, is_new in found):
            raise TemporaryFailure("Message numbers collide, try again later")
        for prepared in batch:
            prepared.messages = tuple(renewed.get(item.token, item) for item in prepared.messages)
            prepared.names = [(item.id, item.token) for item in prepared.messages]


def _placed(message: Message) -> Mail:
    """A message whose body has a place."""
    return Mail(None, message.server_id, lambda _: (message,))
