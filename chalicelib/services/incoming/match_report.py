"""Finding the message that a report is about, and what follows from the report (api.md 2.12).

Only what arrives at a return path is asked. Whoever knows a return path was written to from it, so that its MAC is
believed whatever recipient is named; `X-Postal-MsgID` and Message-ID stand in every copy that was delivered, so that
what matches by them alone must name the recipient, and suppresses only if it comes from where the recipient is.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.errors import NotFound
from chalicelib.domain.ids import is_postal_token, read_return_path_local, read_token
from chalicelib.domain.incoming.checks import Decision, Fail, Process
from chalicelib.domain.incoming.reports.read import read_report
from chalicelib.domain.incoming.reports.report import ReadReport, RecipientBlock
from chalicelib.domain.model import Message, MessageRecord, Origin, Scope, State
from chalicelib.domain.no_body import NO_BODY
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.report import MatchedBy, ReportKind
from chalicelib.ports.clock import Clock
from chalicelib.ports.imported_tokens import ImportedToken, ImportedTokens
from chalicelib.ports.messages import MessageStore
from chalicelib.services.incoming.act_on_report import ActOnReport, Match
from chalicelib.services.incoming.attempt import IncomingAttempt
from chalicelib.services.tenancy.address_mac import AddressMac

UNLINKED = "This message was a bounce but we couldn't link it with any outgoing message and there was no route for it."
DETECTED = "This has been detected as {kind} for <msg:{id}>."
NOTICE = "a delivery notice"
KINDS = {
    ReportKind.BOUNCE: "a bounce message",
    ReportKind.DELAY: "a delay notice",
    ReportKind.COMPLAINT: "a complaint",
    ReportKind.AUTO_REPLY: "an automatic reply",
}
MOST_OF_RECIPIENT = 100


class MatchReport:
    """The step that ends reports."""

    def __init__(
        self,
        clock: Clock,
        messages: MessageStore,
        imported: ImportedTokens,
        mac: AddressMac,
        act: ActOnReport,
    ) -> None:
        self._clock = clock
        self._messages = messages
        self._imported = imported
        self._mac = mac
        self._act = act

    async def run(self, attempt: IncomingAttempt) -> Decision | None:
        """Processes a report on a message of the server; what is none goes to the route of the return path, if there is
        one. Raises TemporaryFailure."""
        message = attempt.record.message
        if not message.bounce or attempt.returns_to is not None:
            return None
        report = read_report(attempt.stored)
        match = await self._match(message, report)
        if match is None:
            return None if attempt.facts.route is not None else Fail(UNLINKED)
        kind = match.block.kind
        attempt.record = replace(attempt.record, bounce_of=match.original.message.id)
        if kind is not None and not attempt.arrival.additional:
            await self._act.on(attempt, report, match, kind)
        if kind is ReportKind.AUTO_REPLY and attempt.facts.route is not None:
            return None
        told = KINDS[kind] if kind else NOTICE
        return Process(DETECTED.format(kind=told, id=match.original.message.id))

    async def _match(self, message: Message, report: ReadReport) -> Match | None:
        """The message that a report is about, by the first rule that finds one."""
        if not report.blocks:
            return None
        if original := await self._by_return_path(message):
            return _matched(report, original, MatchedBy.RETURN_PATH)
        for token in report.tokens:
            found = await self._by_token(message.server_id, token)
            if found is not None and report.allows(found.message.rcpt_to):
                return _matched(report, found, MatchedBy.MSGID)
        for name in sorted(report.named):
            found = await self._by_message_id(message.server_id, name, report.message_ids)
            if found is not None:
                return _matched(report, found, MatchedBy.MESSAGE_ID)
        return None

    async def _by_return_path(self, message: Message) -> MessageRecord | None:
        local = message.rcpt_to.rpartition("@")[0]
        token = read_return_path_local(local, await self._mac.key())
        return await self._by_token(message.server_id, token) if token else None

    async def _by_token(self, server: ServerId, token: str) -> MessageRecord | None:
        numbers = read_token(token)
        if numbers is not None and numbers[0] == server:
            found = await self._stored(server, MessageId(numbers[1]))
            if found is not None and found.message.token == token:
                return found
        return await self._brought(server, token)

    async def _brought(self, server: ServerId, token: str) -> MessageRecord | None:
        """A message of an installation that was moved in; where it came without its messages, what is known of one."""
        if not is_postal_token(token):
            return None
        try:
            known = await self._imported.get(server, token, self._clock.now())
        except NotFound:
            return None
        if known.link:
            return None
        found = await self._stored(server, known.message)
        if found is not None:
            return found if found.message.token == token else None
        return _barely(known)

    async def _stored(self, server: ServerId, message: MessageId) -> MessageRecord | None:
        try:
            return await self._messages.get(server, message, Scope.OUTGOING)
        except NotFound:
            return None

    async def _by_message_id(
        self, server: ServerId, recipient: str, message_ids: tuple[str, ...]
    ) -> MessageRecord | None:
        """The newest message for a recipient with one of these Message-IDs."""
        if not message_ids:
            return None
        page = await self._messages.by_recipient(server, recipient, MOST_OF_RECIPIENT)
        ours = (one for one in page.values if one.message.scope is Scope.OUTGOING)
        return next((one for one in ours if one.message.message_id in message_ids), None)


def _barely(known: ImportedToken) -> MessageRecord:
    """A message of which nothing is there but whom it went to."""
    message = Message(
        server_id=known.server,
        id=known.message,
        token=known.token,
        scope=Scope.OUTGOING,
        mail_from="",
        rcpt_to=known.recipient,
        subject="",
        message_id="",
        received_at=0.0,
        size=0,
        blob=NO_BODY,
        origin=Origin("", "", ""),
    )
    return MessageRecord(message, state=State.DONE)


def _matched(report: ReadReport, original: MessageRecord, by: MatchedBy) -> Match | None:
    block: RecipientBlock | None = report.block_about(original.message.rcpt_to)
    return None if block is None else Match(original, block, by)
