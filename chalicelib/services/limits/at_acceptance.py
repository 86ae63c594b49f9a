"""Places in the send limits that refuse mail: taken before a message is accepted, as many as it has recipients.

What is not accepted after all gives them back; who dies meanwhile loses them until the window has gone on. Where no
limit refuses, nothing is read or written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.limits.limit import Limit, counted_at_acceptance, limits_over, marks_of
from chalicelib.domain.reply import Reply
from chalicelib.domain.tenancy.credentials import Credential
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.send_limits import SendLimits
from chalicelib.services.limits.tell import TellLimits
from chalicelib.services.queue.store_outcome import best_effort


class SendLimitExceeded(TemporaryFailure):
    """Above a send limit that refuses mail. Nothing was counted."""

    code = "send_limit_exceeded"
    default_reply = Reply(451, "4.7.1", "Send limit reached, try again later")

    def __init__(self, limit: Limit, seconds: int) -> None:
        super().__init__(
            f"The send limit ({limit.most} in a {limit.period} for the {limit.owner.kind}) has been "
            f"reached, try again in {seconds} seconds"
        )
        self.retry_after = seconds


@dataclass(frozen=True, slots=True)
class Counted:
    """Places that were taken, and what the messages remember of it."""

    marks: str | None
    limits: tuple[Limit, ...] = ()
    count: int = 0
    at: float = 0.0


class CountAccepted:
    """The use case of every door that mail comes in by."""

    def __init__(self, clock: Clock, limits: SendLimits, tell: TellLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._tell = tell

    @staticmethod
    def refuses(server: Server, credential: Credential) -> bool:
        """Whether any limit over this mail refuses."""
        return bool(counted_at_acceptance(limits_over(server, credential)))

    async def take(self, server: Server, credential: Credential, count: int) -> Counted:
        """Places for so many messages, or for none: SendLimitExceeded. Raises TemporaryFailure."""
        limits = limits_over(server, credential)
        refusing = counted_at_acceptance(limits)
        marks = marks_of(limits, refusing) or None
        if not refusing or not count:
            return Counted(marks)
        now = self._clock.now()
        took = await self._limits.take(refusing, count, now)
        if took.full is not None:
            await self._tell.exceeded(server, took.usages, took.full)
            raise SendLimitExceeded(took.full, max(1, math.ceil(took.free_at - now)))
        await self._tell.found(server, took.usages, count)
        return Counted(marks, refusing, count, now)

    async def give_back(self, counted: Counted, count: int | None = None) -> None:
        """Give back so many of the places, all by default: what they were for is not accepted. Never fails."""
        many = counted.count if count is None else count
        if counted.limits and many:
            await best_effort(self._limits.give_back(counted.limits, many, counted.at))
