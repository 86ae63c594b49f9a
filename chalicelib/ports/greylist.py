"""Who has tried to send here before."""

from __future__ import annotations

from typing import Protocol

from chalicelib.domain.durations import DAY

KEPT_SECONDS = 36 * DAY
NOTED_SECONDS = DAY
"""That one was met again is noted after so long; until then it costs no write."""


class Greylist(Protocol):
    """First contacts by key, which all processes of an installation share."""

    async def met(self, key: str, now: float) -> float:
        """When a key was met first: `now` for a new one, which is kept from then on. A key is forgotten KEPT_SECONDS
        after it was met last, or up to NOTED_SECONDS earlier. Raises TemporaryFailure."""
