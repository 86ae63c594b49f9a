"""Looking for spam in outgoing mail of servers that have a threshold for it (contract section 4, steps 8 and 9)."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.decision_texts import REMOVED
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.outgoing.checks import Decision, Fail, TryLater, likely_spam
from chalicelib.ports.scanners import ScannedMail
from chalicelib.services.outgoing.attempt import OutgoingAttempt
from chalicelib.services.scanning import TRY_LATER, Scan


class Inspect:
    """The step that has the message scanned, once."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    async def run(self, attempt: OutgoingAttempt) -> Decision | None:
        """Fails what is likely spam. Where mail may not pass unscanned, trouble with a scanner means another try later.
        Raises TemporaryFailure when the content cannot be read."""
        threshold = attempt.facts.server.outbound_spam_threshold
        if threshold is None:
            return None
        if attempt.record.inspection is None:
            message = attempt.record.message
            try:
                body = await attempt.bodies.get(message.blob)
            except NotFound:
                return Fail(REMOVED)
            mail = ScannedMail(body, message.mail_from, message.rcpt_to, is_outgoing=True)
            try:
                spam, threat = await self._scan.run(mail, threshold)
            except TemporaryFailure:
                return TryLater(TRY_LATER)
            attempt.record = replace(attempt.record, inspection=Inspection(spam, threat))
        return likely_spam(attempt.record, attempt.facts)
