"""Looking for spam and threats in an incoming message, once (contract section 5, step 3)."""

from __future__ import annotations

from chalicelib.config import Settings
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.domain.incoming.head import with_head
from chalicelib.domain.inspection import Authentication, Inspection
from chalicelib.domain.smtp.attempt_result import AttemptResult
from chalicelib.domain.smtp.classify import Verdict
from chalicelib.ports.scanners import ScannedMail
from chalicelib.services.incoming.attempt import EndpointResult, IncomingAttempt
from chalicelib.services.scanning import TRY_LATER, Scan


class Inspect:
    """The step that completes the inspection, and puts what was found in front of the content."""

    def __init__(self, settings: Settings, scan: Scan) -> None:
        self._settings = settings
        self._scan = scan

    async def run(self, attempt: IncomingAttempt) -> None:
        """A message that was inspected at an earlier attempt is not looked at again. Where mail may not pass unscanned,
        trouble with a scanner ends the attempt, to be tried again."""
        if attempt.inspection is None:
            try:
                spam, threat = await self._scan.run(
                    _mail(attempt), attempt.facts.server.spam_threshold
                )
            except TemporaryFailure:
                later = AttemptResult(Verdict.SOFT, TRY_LATER, about_us=True)
                attempt.said = EndpointResult(later)
                return
            attempt.inspection = Inspection(
                spam, threat, attempt.authentication or Authentication()
            )
        name = self._settings.smtp_hostname
        attempt.content = with_head(attempt.stored, attempt.inspection, name)


def _mail(attempt: IncomingAttempt) -> ScannedMail:
    message, arrival = attempt.record.message, attempt.arrival
    return ScannedMail(
        attempt.stored,
        message.mail_from,
        message.rcpt_to,
        arrival.client,
        arrival.client_name,
        arrival.helo,
    )
