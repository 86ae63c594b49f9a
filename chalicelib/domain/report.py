"""A report on a message, as it is stored and shown (api.md 2.12)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import MessageId


class ReportKind(StrEnum):
    """Wire words."""

    BOUNCE = "bounce"
    DELAY = "delay"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"


class MatchedBy(StrEnum):
    """How the message that it is about was found; wire words."""

    RETURN_PATH = "return_path"
    MSGID = "msgid"
    MESSAGE_ID = "message_id"


@dataclass(frozen=True, slots=True)
class Report:
    """One row. `email` is the message that it is about, `report_email` the one that it came with. What was not told is
    None; `suppressed` says whether it put the recipient on a list."""

    id: int
    kind: ReportKind
    email: MessageId
    report_email: MessageId
    at: float
    recipient: str | None
    cause: str | None
    action: str | None
    status: str | None
    diagnostic: str | None
    remote_mta: str | None
    feedback_type: str | None
    source_ip: str | None
    matched_by: MatchedBy
    suppressed: bool


@dataclass(frozen=True, slots=True)
class ReportFilter:
    """Which reports a list has: those of this kind, cause and message, from `since` until before `until`."""

    kind: ReportKind | None = None
    cause: str | None = None
    email: MessageId | None = None
    since: float | None = None
    until: float | None = None

    def passes(self, report: Report) -> bool:
        """Whether a report is wanted."""
        return (
            self.kind in (None, report.kind)
            and self.cause in (None, report.cause)
            and self.email in (None, report.email)
            and (self.since is None or report.at >= self.since)
            and (self.until is None or report.at < self.until)
        )
