"""What follows from a report that was matched: its row, the mark on the message, the suppression list.

The row is stored once for the message that it came with; a message is Bounced once, whatever comes later, and an entry
that is there is renewed: repeated after any of these writes, the rest is done. A forged report suppresses nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain import lifecycle
from chalicelib.domain.changes import UNPROVEN, Mark
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.incoming.causes import COUNTED, SUPPRESSING
from chalicelib.domain.incoming.reports.report import ReadReport, RecipientBlock
from chalicelib.domain.model import Delivery, MessageRecord, State, Status
from chalicelib.domain.report import MatchedBy, Report, ReportKind
from chalicelib.domain.suppression import Reason
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.numbers import Numbers
from chalicelib.ports.reports import Reports
from chalicelib.services.for_postmaster import ForPostmaster
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.incoming.report_origin import ReportOrigin
from chalicelib.services.suppress import SuppressRecipients

BOUNCED = "We've received a bounce message for this e-mail. See <msg:{id}> for details."
IN_HAND = "The message that this reports on is being sent at this moment."
MOST_TRIES = 3


@dataclass(frozen=True, slots=True)
class Match:
    """The message that a report is about, what it says of its recipient, and how it was found."""

    original: MessageRecord
    block: RecipientBlock
    by: MatchedBy


class ActOnReport:
    """Writes what a report changes."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        numbers: Numbers,
        reports: Reports,
        suppress: SuppressRecipients,
        origin: ReportOrigin,
        postmaster: ForPostmaster,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._numbers = numbers
        self._reports = reports
        self._suppress = suppress
        self._origin = origin
        self._postmaster = postmaster

    async def on(
        self, attempt: IncomingAttempt, report: ReadReport, match: Match, kind: ReportKind
    ) -> None:
        """Store the report and do what it asks for. Raises TemporaryFailure; then doing it again does the rest."""
        server, original = attempt.facts.server, match.original.message
        vouched = await self._is_vouched(attempt, match, kind)
        reason = self._reason(server, match, kind) if vouched else None
        if reason is not None and await self._has_acted(attempt, match, kind):
            reason = None
        (number,) = await self._numbers.take(server.id, "report", 1)
        wanted = self._row(number, attempt, report, match, kind, suppressed=reason is not None)
        row = await self._reports.add(server.id, wanted)
        if kind is ReportKind.BOUNCE:
            await self._mark_bounced(match.original, row, vouched=vouched)
        if kind is ReportKind.COMPLAINT:
            name = server.id, original.id, original.scope
            told = str(row.id) if vouched else f"{row.id}{UNPROVEN}"
            await self._messages.mark(*name, Mark.COMPLAINED, row.at, told)
        if reason is not None:
            await self._suppress.add(server, original.rcpt_to, reason, original.id, row.id)

    async def _is_vouched(self, attempt: IncomingAttempt, match: Match, kind: ReportKind) -> bool:
        """Whether it comes from where the recipient is; of what neither suppresses nor counts nobody asks."""
        counts = kind is ReportKind.COMPLAINT or (
            kind is ReportKind.BOUNCE and match.block.cause in COUNTED
        )
        if match.by is MatchedBy.RETURN_PATH or not counts:
            return True
        return await self._origin.is_recipients(attempt, match.original.message.rcpt_to, kind)

    def _reason(self, server: Server, match: Match, kind: ReportKind) -> Reason | None:
        """The reason to suppress the message's recipient for, if the server wants that."""
        if self._postmaster.is_for(match.original.message):
            return None
        return _reason_of(server, kind, match.block.cause)

    async def _has_acted(self, attempt: IncomingAttempt, match: Match, kind: ReportKind) -> bool:
        """Whether another report on the message has suppressed for this reason, or a complaint did: one that comes
        twice acts once, whatever a person did with the list in between."""
        known = await self._reports.of(attempt.facts.server.id, match.original.message.id)
        return any(
            one.suppressed
            and one.report_email != attempt.record.message.id
            and one.kind in (kind, ReportKind.COMPLAINT)
            for one in known
        )

    def _row(
        self,
        number: int,
        attempt: IncomingAttempt,
        report: ReadReport,
        match: Match,
        kind: ReportKind,
        *,
        suppressed: bool,
    ) -> Report:
        block = match.block
        complaint = kind is ReportKind.COMPLAINT
        return Report(
            id=number,
            kind=kind,
            email=match.original.message.id,
            report_email=attempt.record.message.id,
            at=self._clock.now(),
            recipient=block.recipient,
            cause=block.cause,
            action=block.action,
            status=block.status,
            diagnostic=block.diagnostic,
            remote_mta=block.remote_mta,
            feedback_type=report.feedback_type if complaint else None,
            source_ip=report.source_ip if complaint else None,
            matched_by=match.by,
            suppressed=suppressed,
        )

    async def _mark_bounced(self, before: MessageRecord, row: Report, *, vouched: bool) -> None:
        """Bounced, unless it is already. One that is in a worker's hands is waited for."""
        message = before.message
        for _ in range(MOST_TRIES):
            log = await self._messages.deliveries(message.server_id, message.id, message.scope)
            if any(one.status is Status.BOUNCED for one in log):
                return
            if before.state is State.LEASED and before.lease_until > self._clock.now():
                raise TemporaryFailure(IN_HAND)
            (number,) = await self._numbers.take(message.server_id, "delivery", 1)
            delivery = Delivery(
                id=number,
                status=Status.BOUNCED,
                details=BOUNCED.format(id=row.report_email),
                at=self._clock.now(),
                about_us=row.cause not in COUNTED or not vouched,
                cause=row.cause,
                report=row.id,
            )
            if await self._messages.replace(before, lifecycle.done(before, delivery)):
                return
            try:
                before = await self._messages.get(message.server_id, message.id, message.scope)
            except NotFound:  # it came from elsewhere without its record, or was removed
                return
        raise TemporaryFailure(IN_HAND)


def _reason_of(server: Server, kind: ReportKind, cause: str | None) -> Reason | None:
    if kind is ReportKind.COMPLAINT and server.suppress_complaints:
        return Reason.COMPLAINT
    if kind is ReportKind.BOUNCE and cause in SUPPRESSING and server.suppress_bounces:
        return Reason.BOUNCE
    return None
