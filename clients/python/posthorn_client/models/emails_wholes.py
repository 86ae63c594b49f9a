"""What is inside of what operations on `/api/v2/emails` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from posthorn_client.models.emails_parts import (
    AcceptedRecipient,
    Arc,
    CheckResult,
    DkimSignature,
    Dmarc,
    EndpointType,
    FieldProblem,
    MatchedBy,
    ReportKind,
    SpamCheck,
    SpamStatus,
    Spf,
    Status,
    WaitCode,
)

__all__ = [
    "AcceptedEmail",
    "Authentication",
    "CheckShown",
    "LastDelivery",
    "NamedEndpoint",
    "Problem",
    "Report",
    "Spam",
    "Wait",
]


class AcceptedEmail(TypedDict):
    """A message accepted: it will be delivered, or its record says why not."""

    id: int
    """The id of the first recipient's message."""
    message_id: str | None
    """Message-ID without brackets."""
    emails: list[AcceptedRecipient]


class Authentication(TypedDict):
    """Who vouches for the sender, in the results of RFC 8601."""

    spf: Spf
    dkim: list[DkimSignature]
    dmarc: Dmarc
    arc: Arc


class CheckShown(TypedDict):
    """One check."""

    check: str
    """`sender`, `suppression`, `limit`, `spam`, `alignment` or `unsubscribe`; more may come. What no
    attempt came to yet is left out.
    """
    result: CheckResult
    detail: str
    """For people."""


class LastDelivery(TypedDict):
    """The newest entry of a message's log, for lists."""

    status: Status
    details: str
    output: str | None
    """The remote server's answer."""
    at: str
    seconds: float | None
    cause: str | None


class NamedEndpoint(TypedDict):
    """The endpoint that a message is for."""

    id: str
    name: str
    type: EndpointType


class Problem(TypedDict):
    """An error (RFC 9457). Clients ignore members that they do not know."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: NotRequired[list[FieldProblem] | None]
    """Every wrong field."""
    scope: NotRequired[str | None]
    """The first scope that the credential lacks."""
    ticket: NotRequired[str | None]
    """To be sent with what is asked for."""
    methods: NotRequired[list[str] | None]
    """By what one can show who one is."""
    challenge: NotRequired[dict[str, Any] | None]
    """WebAuthn request options, for a passkey."""
    time: NotRequired[float | None]
    """For programs written for Postal, in what API Gateway answers by itself."""
    flags: NotRequired[dict[str, str] | None]
    """For programs written for Postal, in what API Gateway answers by itself."""
    data: NotRequired[dict[str, str] | None]
    """For programs written for Postal, in what API Gateway answers by itself."""


class Report(TypedDict):
    """What came back about a message. What was not told is null."""

    id: int
    kind: ReportKind
    email: int
    """The message that it is about."""
    report_email: int
    """The incoming message that it came with."""
    at: str
    recipient: str | None
    """The address as reported."""
    cause: str | None
    """Why it failed, in one word, null for an automatic reply; more words may come."""
    action: str | None
    """RFC 3464: `failed`, `delayed`."""
    status: str | None
    """RFC 3463, as 5.1.1."""
    diagnostic: str | None
    """What the other server said."""
    remote_mta: str | None
    feedback_type: str | None
    """RFC 5965, of a complaint."""
    source_ip: str | None
    """RFC 5965, of a complaint."""
    matched_by: MatchedBy
    suppressed: bool
    """It put the recipient on the suppression list."""


class Spam(TypedDict):
    """What a scanner made of it; `scanner` is null where none is configured."""

    status: SpamStatus
    score: float
    threshold: float | None
    scanner: str | None
    checks: list[SpamCheck]


class Wait(TypedDict):
    """Why a message is not done."""

    code: WaitCode
    """`queued`: its first try comes; `retry`: the next one; `throttled`: the next one, because as many
    connections to the receiver were open as may be; `source`: because no address of its pool could
    be used; `scheduled`: its time; `in_progress`: tried now; else why it is held. More may come.
    """
    detail: str
    """What its last delivery says; empty without one."""
    since: str
    until: str | None
    """When it is tried again, or its hold expires."""
    others: NotRequired[int | None]
    """How many others wait for the same: at the same destination if it is to be tried again. Of more
    than 1,000 that wait in a direction the newest are looked at. Null in lists, and where nobody
    counts.
    """
    ahead: NotRequired[int | None]
    """Of one that was never tried: about how many of all servers are before it in the queue, up to
    10,000. Null for others, in lists, and where nobody counts.
    """
