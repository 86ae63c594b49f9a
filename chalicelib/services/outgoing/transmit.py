"""Handing a signed message to a receiving server, converted for one that takes no 8-bit content (ADR 25)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from chalicelib.domain.mail.eight_bit import seven_bit
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.outgoing.sign import Sign
from chalicelib.services.outgoing.smtp_sender import SmtpSender
from chalicelib.services.queue.bodies import LARGEST_SPAN


class Transmit:
    """The step that sends."""

    def __init__(self, sender: SmtpSender, sign: Sign) -> None:
        self._sender = sender
        self._sign = sign

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Send, and keep what the other side said, and who receives for the domain."""
        if attempt.envelope is None:
            raise RuntimeError("transmit comes after sign")
        message = attempt.record.message
        async with AsyncExitStack() as room:

            async def converted() -> Sequence[bytes] | None:
                if len(attempt.body) > LARGEST_SPAN:
                    await room.enter_async_context(attempt.bodies.more(len(attempt.body) * 3 // 2))
                body = seven_bit(attempt.body)
                if body is None:
                    return None
                return (await self._sign.signed(message, body, attempt.domain)).content

            result = attempt.result = await self._sender.deliver(
                message, attempt.envelope, attempt.content, attempt.record.tries, converted
            )
            if result.provider not in {None, attempt.record.provider}:
                attempt.record = replace(attempt.record, provider=result.provider)
