"""How long a receiving server may take over each step, as one value.

The numbers are RFC 5321's (§4.5.3.2) and come from the settings. Nothing here knows how much of an attempt is left:
whoever opens or uses a session ends it when its deadline has come.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.config import Settings
from chalicelib.domain.smtp.attempt_result import LEAST_HOST_SECONDS

LEAST_UPGRADE = 10.0
MARGIN = 2.0


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds. `connect`: TCP and proxy; `greeting`: the greeting, EHLO and AUTH; `starttls`: from STARTTLS to the
    answer to the EHLO after it, where clear text is the way out; `mail`, `rcpt`, `data`, `final_dot`: the reply to
    each; `block`: no progress in sending; `idle`: how long a session is kept."""

    connect: float
    greeting: float
    starttls: float
    mail: float
    rcpt: float
    data: float
    block: float
    final_dot: float
    idle: float = 30.0

    def upgrade(self, spent: float) -> float:
        """Seconds for all of STARTTLS when the server took `spent` to get there, so that the same again, in clear
        text, fits in what a host gets; but not less than LEAST_UPGRADE."""
        return min(self.starttls, max(LEAST_UPGRADE, LEAST_HOST_SECONDS - MARGIN - 2 * spent))

    @classmethod
    def of(cls, settings: Settings) -> TimeLimits:
        """Those of the settings."""
        return cls(
            connect=settings.connect_seconds,
            greeting=settings.greeting_seconds,
            starttls=settings.starttls_seconds,
            mail=settings.mail_seconds,
            rcpt=settings.rcpt_seconds,
            data=settings.data_command_seconds,
            block=settings.block_seconds,
            final_dot=settings.final_dot_seconds,
        )
