"""Talking to one host about one message, within the time that it may take.

A conversation that breaks before the final dot is begun again once (contract section 4.19). Nothing is sent again after
the final dot.
"""

from __future__ import annotations

import asyncio

from chalicelib.domain.envelope import Target
from chalicelib.domain.errors import (
    OutcomeUnknown,
    PermanentFailure,
    Rejected,
    TemporaryFailure,
)
from chalicelib.domain.smtp import classify
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.commands import NEEDS_8BITMIME
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.egress import Conversation, Egress, TransactionResult
from chalicelib.services.outgoing.smtp_attempt import SmtpAttempt
from chalicelib.services.outgoing.smtp_result import concluded, interrupted

NO_ANSWER = "The server did not answer in time."


class Converse:
    """Conversations of attempts; `others` is how many targets wait behind the one that is talked to."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._closing: set[asyncio.Future[None]] = set()

    async def connect(
        self, target: Target, source: EgressSource, attempt: SmtpAttempt, others: int
    ) -> Conversation:
        """Reach a host within its share. Raises SourceUnavailable, TemporaryFailure."""
        try:
            async with asyncio.timeout(attempt.share(others)):
                return await self._egress.connect(target, source, attempt.transcript)
        except TimeoutError as late:
            raise TemporaryFailure("The connection took too long.") from late

    async def hand_over(
        self, conversation: Conversation, source: EgressSource, attempt: SmtpAttempt, others: int
    ) -> tuple[AttemptResult, bool]:
        """How the message fared, and False when another host may do better. Raises PermanentFailure and Rejected for
        what cannot be said to any host."""
        broken: TemporaryFailure
        for last in (False, True):
            try:
                transaction = await self._transact(conversation, attempt, others)
            except OutcomeUnknown as unknown:
                await conversation.close()
                return interrupted(conversation, attempt, unknown), True
            except TemporaryFailure as lost:
                await conversation.close()
                broken = lost
            except (PermanentFailure, Rejected):
                await conversation.release()
                raise
            else:
                result = concluded(conversation, source, attempt, transaction)
                await conversation.release()
                left = classify.leaves_the_host(transaction.reply, transaction.stage)
                return result, not left
            if last or attempt.is_late(broken):
                break
            try:
                conversation = await self.connect(conversation.target, source, attempt, others)
            except TemporaryFailure as gone:
                broken = gone
                break
        return interrupted(conversation, attempt, broken), False

    async def _transact(
        self, conversation: Conversation, attempt: SmtpAttempt, others: int
    ) -> TransactionResult:
        """The transaction within the deadline and, until there is content, within the host's share. Closing the
        conversation makes it end by its own account: as temporary failure or, after the final dot, as unknown."""
        loop = asyncio.get_running_loop()
        watches = [loop.call_later(attempt.seconds_left, self._close_soon, conversation)]
        left_for_another = False

        def leave() -> None:
            nonlocal left_for_another
            if not conversation.has_begun:
                left_for_another = True
                self._close_soon(conversation)

        if others:
            watches.append(loop.call_later(attempt.share(others), leave))
        try:
            return await _say(conversation, attempt)
        except TemporaryFailure as lost:
            if left_for_another:
                raise TemporaryFailure(NO_ANSWER, timed_out=1) from lost
            raise
        finally:
            for watch in watches:
                watch.cancel()

    def _close_soon(self, conversation: Conversation) -> None:
        closing = asyncio.ensure_future(conversation.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


async def _say(conversation: Conversation, attempt: SmtpAttempt) -> TransactionResult:
    """The transaction, with other content for a server that takes no 8-bit one."""
    result = await conversation.transact(attempt.envelope, attempt.content)
    if result.reply is NEEDS_8BITMIME and attempt.converted is not None:
        content = await attempt.converted()
        if content is not None:
            return await conversation.transact(attempt.envelope, content)
    return result
