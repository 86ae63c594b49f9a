"""Reports as API v2 shows them (api.md 2.12)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, PageQuery
from chalicelib.domain.report import MatchedBy, ReportKind

LARGEST_ID = 2**31 - 1


class Report(Answer):
    """What came back about a message. What was not told is null."""

    id: int
    kind: ReportKind
    email: Annotated[int, Field(description="The message that it is about.")]
    report_email: Annotated[int, Field(description="The incoming message that it came with.")]
    at: Moment
    recipient: Annotated[str | None, Field(description="The address as reported.")]
    cause: Annotated[
        str | None,
        Field(
            description="Why it failed, in one word, null for an automatic reply; more words may come."
        ),
    ]
    action: Annotated[str | None, Field(description="RFC 3464: `failed`, `delayed`.")]
    status: Annotated[str | None, Field(description="RFC 3463, as 5.1.1.")]
    diagnostic: Annotated[str | None, Field(description="What the other server said.")]
    remote_mta: str | None
    feedback_type: Annotated[str | None, Field(description="RFC 5965, of a complaint.")]
    source_ip: Annotated[str | None, Field(description="RFC 5965, of a complaint.")]
    matched_by: MatchedBy
    suppressed: Annotated[bool, Field(description="It put the recipient on the suppression list.")]


class ReportPage(ListAnswer):
    """Reports, newest first."""

    data: list[Report]


class ReportQuery(PageQuery):
    """Which reports."""

    kind: ReportKind | None = None
    cause: Annotated[str | None, Field(max_length=50)] = None
    email: Annotated[
        int | None, Field(ge=1, le=LARGEST_ID, description="Only those about this message.")
    ] = None
    since: Instant | None = None
    until: Instant | None = None
