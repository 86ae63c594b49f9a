"""The names of new messages: a number in their server, and a token that holds server and number."""

from __future__ import annotations

from chalicelib.domain.ids import make_token
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.rand import Rand

TOKEN_RANDOM_BYTES = 6


class MessageNumbers:
    """Takes numbers and makes tokens."""

    def __init__(self, numbers: Numbers, rand: Rand) -> None:
        self._numbers = numbers
        self._rand = rand

    async def take(self, server: ServerId, count: int) -> list[tuple[MessageId, str]]:
        """The next numbers of a server, each with a token. Raises TemporaryFailure, PermanentFailure."""
        numbers = await self._numbers.take(server, "message", count) if count else []
        return [
            (MessageId(number), make_token(server, number, self._rand.bytes(TOKEN_RANDOM_BYTES)))
            for number in numbers
        ]
