"""Telling a client of its outgoing mail that failed, if it asked for that (NOTIFY=FAILURE of RFC 3461)."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Status
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.outgoing.send_bounce import Bounce, SendBounce


class ReportFailure:
    """What follows the end of an attempt."""

    def __init__(self, bounces: SendBounce) -> None:
        self._bounces = bounces

    async def run(self, attempt: OutgoingAttempt) -> None:
        """Send the bounce that is due. Raises TemporaryFailure; then the attempt has no end yet."""
        message, after = attempt.record.message, attempt.after
        asked = message.dsn is not None and message.dsn.asks_for_failures
        if not asked or not message.mail_from or message.bounce:
            return
        if after is None or after.status is not Status.HARD_FAIL or attempt.facts.domain is None:
            return
        if attempt.result is not None and attempt.result.outcome_unknown:
            return  # it may have been delivered
        attempt.after = None
        try:
            content = await attempt.bodies.get(message.blob)
        except NotFound:
            content = b""
        bounce = Bounce(
            attempt.record,
            attempt.facts.server,
            content,
            f"postmaster@{attempt.facts.domain.name}",
            attempt.result,
            # The function that delivers by a pool may write to the queue of that pool alone.
            pool=message.origin.pool,
        )
        await self._bounces.send(bounce)
        attempt.after = after
