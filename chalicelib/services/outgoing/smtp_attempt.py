"""One attempt at handing a message to a server: what is sent, what was tried, and how much time is left.

While other hosts wait, one may take an equal share of what is left, but not less than LEAST_HOST_SECONDS, to be
reached, and the same until it wants the content; the last may take all.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from chalicelib.domain.envelope import Envelope
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.model import Message
from chalicelib.domain.smtp.attempt_result import LEAST_HOST_SECONDS, AttemptResult
from chalicelib.domain.transcript import Transcript
from chalicelib.ports.clock import Clock

Converted = Callable[[], Awaitable[Sequence[bytes] | None]]
"""Makes the same message without 8-bit bytes, signed; None when it cannot be."""


@dataclass(slots=True)
class SmtpAttempt:
    """`domain` is the recipient's, `tries` how many attempts failed before, `ends` a moment of the monotonic clock.

    `exchange` is the host that the domain's MX prefers, empty until it was looked up.
    `tried` names the hosts so far; `private` and `reached` say that some had addresses that no mail may go to, or that
    it may. `turned_away` says that a host would not talk to us at all; `left` is how the last conversation ended that
    left the message for another host. `passed_over` is an address that the source of now did not go to, which was left
    when all others had nothing to say. `transcript` takes down what is said to the host that is talked to.
    """

    message: Message
    envelope: Envelope
    content: Sequence[bytes]
    tries: int
    converted: Converted | None
    clock: Clock
    ends: float
    domain: str = ""
    exchange: str = ""
    tried: list[str] = field(default_factory=list)
    private: bool = False
    reached: bool = False
    turned_away: bool = False
    passed_over: str = ""
    last_failure: TemporaryFailure | None = None
    left: AttemptResult | None = None
    transcript: Transcript = field(init=False)

    def __post_init__(self) -> None:
        self.transcript = Transcript(self.clock.monotonic)

    @property
    def seconds_left(self) -> float:
        """Seconds until the attempt must be over; negative after that."""
        return self.ends - self.clock.monotonic()

    def share(self, others: int) -> float:
        """Seconds that a host may take while so many others wait."""
        left = self.seconds_left
        return min(left, max(LEAST_HOST_SECONDS, left / (1 + others)))

    def is_late(self, error: TemporaryFailure) -> bool:
        """True when time ran out, for which a new connection is no cure."""
        return "timed_out" in error.fields or self.seconds_left <= 0
