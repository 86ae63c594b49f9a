"""What operations on `/api/v2/emails` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

from posthorn_client.models.emails_parts import (
    AcceptedRecipient,
    Arc,
    AttachmentToSend,
    DkimSignature,
    Dmarc,
    EndpointType,
    EnvelopeShown,
    FieldProblem,
    Follower,
    MatchedBy,
    NamedRoute,
    NamedTag,
    ReportKind,
    Scope,
    SpamCheck,
    SpamStatus,
    Spf,
    Status,
    Threat,
    Visitor,
    WaitCode,
)

__all__ = [
    "AcceptedEmail",
    "Authentication",
    "BatchResult",
    "BatchResults",
    "Email",
    "EmailPage",
    "EmailToSend",
    "EmailWithActivity",
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


class BatchResult(TypedDict):
    """What became of one item: `email` when accepted, else `problem`."""

    index: int
    status: int
    email: NotRequired[AcceptedEmail | None]
    problem: NotRequired[Problem | None]


class BatchResults(TypedDict):
    """One result for each item, in order."""

    data: list[BatchResult]
    accepted: int
    """How many were."""
    rejected: int
    """How many were."""


_Email = TypedDict("_Email", {"from": "str"})


class Email(_Email):
    """A message and where it stands."""

    id: int
    token: str
    direction: Scope
    status: Status
    to: str
    """Envelope recipient."""
    subject: str
    message_id: str
    tag: str | None
    size: int
    """Bytes."""
    bounce: bool
    """It reports that another could not be delivered."""
    held: bool
    """It waits for a person."""
    hold_expires_at: str | None
    received_at: str
    received_with_tls: bool
    tries: int
    """Conversations that failed so far."""
    wait: Wait | None
    """Why it is not done; null when it is."""
    pool: str
    """The pool that it leaves by."""
    domain: str
    """The domain that let it in."""
    credential: str
    """The id of the credential that let it in."""
    last_attempt_at: str | None
    next_attempt_at: str | None
    """Null when none is planned."""
    opened_at: str | None
    """When it was first opened."""
    clicked_at: str | None
    """When a link was last followed."""
    resend_of: int | None
    """The message whose content this one sends once more."""
    resent_as: list[int]
    """The messages that send this one's content once more, oldest first."""
    spam_status: SpamStatus
    route: NamedRoute | None
    """What took it, if it came in."""
    endpoint: NamedEndpoint | None
    """What it is for, if it came in."""
    bounce_of: int | None
    """The message that it reports on."""


class EmailPage(TypedDict):
    """One page, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Email]


_EmailToSend = TypedDict("_EmailToSend", {"from": "str"})


class EmailToSend(_EmailToSend):
    """A message: described by its fields, or finished as `raw` or `raw_upload`."""

    to: NotRequired[str | list[str] | None]
    """Recipients that the message shows."""
    cc: NotRequired[str | list[str] | None]
    """Further recipients that it shows."""
    bcc: NotRequired[str | list[str] | None]
    """Recipients that it does not show."""
    reply_to: NotRequired[str | list[str] | None]
    """Where answers shall go."""
    sender: NotRequired[str | None]
    """Who sends it, when that is not the author."""
    subject: NotRequired[str | None]
    text: NotRequired[str | None]
    """The body as plain text."""
    html: NotRequired[str | None]
    """The body as HTML."""
    headers: NotRequired[dict[str, str] | None]
    """Further header fields by name."""
    attachments: NotRequired[list[AttachmentToSend] | None]
    tag: NotRequired[str | None]
    """A word to find messages by."""
    tags: NotRequired[list[NamedTag] | None]
    """The tag as other services have it."""
    raw: NotRequired[str | None]
    """A whole message (RFC 5322)."""
    raw_upload: NotRequired[str | None]
    """A message uploaded before."""


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
    """`queued`: its first try comes; `retry`: the next one; `in_progress`: tried now; else why it is
    held. More may come.
    """
    detail: str
    """What its last delivery says; empty without one."""
    since: str
    until: str | None
    """When it is tried again, or its hold expires."""
    others: NotRequired[int | None]
    """Null: `GET /queue?by=reason` counts them."""


class EmailWithActivity(Email):
    """A message, where it stands, and who opened it and followed its links: of all these the newest
    500.
    """

    opens: list[Visitor]
    """Oldest first."""
    clicks: list[Follower]
    """Oldest first."""
    spam: Spam
    threat: Threat
    authentication: Authentication | None
    """Of mail that came in, once it was looked at."""
    envelope: EnvelopeShown | None
    """Of mail that came in."""
    reports: list[Report]
    """What came back about it, oldest first."""
