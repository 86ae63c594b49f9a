"""Handing a message to the first of several hosts that has an opinion about it.

Another host is tried when nothing was said about the message (contract section 4.16): no connection, a conversation
that broke, or 421, before the content.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from chalicelib.domain.envelope import Target
from chalicelib.domain.errors import SourceUnavailable, TemporaryFailure
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.services.outgoing.conversation import Converse
from chalicelib.services.outgoing.smtp_attempt import SmtpAttempt
from chalicelib.services.outgoing.smtp_result import unreachable

MOST_TARGETS = 20


class TryHosts:
    """Tries the hosts of an attempt in order."""

    def __init__(self, conversations: Converse) -> None:
        self._conversations = conversations

    async def run(
        self,
        source: EgressSource,
        attempt: SmtpAttempt,
        targets: AsyncIterator[tuple[Target, int]],
    ) -> AttemptResult:
        """What the first host said, or the last thing that kept all of them from saying anything. `targets` come with
        how many more there are. Raises SourceUnavailable, and TemporaryFailure and PermanentFailure for what is known
        without a host."""
        count = 0
        async for target, others in targets:
            count += 1
            if count > MOST_TARGETS or attempt.seconds_left <= 0:
                break
            attempt.tried.append(target.host)
            try:
                conversation = await self._conversations.connect(target, source, attempt, others)
            except SourceUnavailable:
                raise
            except TemporaryFailure as away:
                attempt.last_failure = away
                attempt.turned_away |= "turned_away" in away.fields
                continue
            result, is_final = await self._conversations.hand_over(
                conversation, source, attempt, others
            )
            if is_final:
                return result
            attempt.left = result
        return attempt.left or unreachable(attempt)
