"""Putting recipients on a server's suppression list, for as long as the server says of the reason."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.suppression import NEVER, Reason, Suppression
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList


class SuppressRecipients:
    """What the system enters by itself."""

    def __init__(self, settings: Settings, clock: Clock, suppressions: SuppressionList) -> None:
        self._settings = settings
        self._clock = clock
        self._suppressions = suppressions

    async def add(
        self,
        server: Server,
        address: str,
        reason: Reason,
        email: MessageId | None = None,
        report: int | None = None,
    ) -> None:
        """List a recipient, or renew its entry. Raises TemporaryFailure."""
        now = self._clock.now()
        days = server.suppression_days.of(reason, self._settings.suppression_days)
        until = NEVER if days is None else int(now) + days * DAY
        entry = Suppression(address, reason.text, now, until, email, report)
        pair = (server.id, address)
        known = (await self._suppressions.listed([pair], now)).get(pair)
        await self._suppressions.add(server.id, known.renewed(entry) if known else entry)
