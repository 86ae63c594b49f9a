"""Telling the sender of an incoming message that it failed."""

from __future__ import annotations

from chalicelib.domain.incoming.checks import NO_BOUNCE
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.services.incoming.attempt import IncomingAttempt


class SendBounce:
    """Sends bounces."""

    async def told(
        self,
        attempt: IncomingAttempt,
        details: str,
        notice: str,
        result: AttemptResult | None = None,
    ) -> str:
        """The details of a failure with what became of its bounce; `notice` names the bounce's id as `{id}`."""
        return f"{details.removesuffix('.')}. {NO_BOUNCE}"
