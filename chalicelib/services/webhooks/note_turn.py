"""What is noted of a turn at a lane beside its deliveries: that the webhook was used, and its attempts as statistics.

Nobody waits for either: what is away is logged.
"""

from __future__ import annotations

import logging

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.tenancy.webhooks import WEBHOOKS
from chalicelib.domain.webhook_counts import WebhookAttempt
from chalicelib.services.tenancy.last_use import LastUse
from chalicelib.services.webhooks.count_attempts import CountWebhooks
from chalicelib.services.webhooks.lane_turn import LaneTurn

LOG = logging.getLogger("posthorn.webhooks")
MOST_OF_A_TURN = 1_000_000_000


class NoteTurn:
    """Notes turns."""

    def __init__(self, last_use: LastUse, counting: CountWebhooks) -> None:
        self._last_use = last_use
        self._counting = counting

    async def note(self, turn: LaneTurn, claimed_at: float) -> None:
        """Note a turn that began then. Attempts are numbered from that moment: nobody else holds the lane meanwhile."""
        if turn.webhook is not None and turn.requests:
            await self._last_use.note(WEBHOOKS, turn.webhook)
        if not turn.attempts:
            return
        first = int(claimed_at * 1_000) * MOST_OF_A_TURN
        tried = [
            WebhookAttempt(str(first + number), one.at, one.seconds, one.succeeded)
            for number, one in enumerate(turn.attempts)
        ]
        try:
            await self._counting.take(turn.lane.server_id, turn.lane.webhook, tried)
        except TemporaryFailure as away:
            LOG.warning("attempts are not counted: %s", away.public)
