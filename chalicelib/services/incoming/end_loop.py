"""Ending what went round (api.md 2.8)."""

from __future__ import annotations

from chalicelib.domain.incoming.checks import Decision, Fail
from chalicelib.domain.incoming.loops import was_delivered_to
from chalicelib.domain.mail.headers import read_headers
from chalicelib.services.incoming.attempt import IncomingAttempt

LOOP = "Loop detected"


class EndLoop:
    """The step that fails a message that was delivered to its recipient before. One that is so for all of its
    recipients was refused; its sender is told nothing, who may be the loop."""

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Looks at the header."""
        went_round = was_delivered_to(read_headers(attempt.stored), attempt.record.message.rcpt_to)
        return Fail(LOOP) if went_round else None
