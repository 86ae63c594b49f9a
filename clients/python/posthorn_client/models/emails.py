"""What operations on `/api/v2/emails` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from posthorn_client.models.emails_parts import (
    AttachmentToSend,
    Door,
    EnvelopeShown,
    Follower,
    NamedRoute,
    NamedTag,
    Scope,
    SpamStatus,
    Status,
    Threat,
    Visitor,
)
from posthorn_client.models.emails_wholes import (
    AcceptedEmail,
    Authentication,
    CheckShown,
    LastDelivery,
    NamedEndpoint,
    Problem,
    Report,
    Spam,
    Wait,
)

__all__ = [
    "Accepted",
    "BatchResult",
    "BatchResults",
    "Email",
    "EmailPage",
    "EmailToSend",
    "EmailWithActivity",
    "Reschedule",
]


class Accepted(TypedDict):
    """How a message came in, and what it passed."""

    by: Door
    credential: str | None
    """The id of what let it in."""
    client: str | None
    """From where; null in the server's privacy mode."""
    tls: bool | None
    """Whether it came encrypted; null over HTTP."""
    request_id: str | None
    """Of the request, or of the SMTP session, as logs name it."""
    checks: list[CheckShown]
    signed: list[str]
    """Selectors of the keys that signed it."""
    tracked_links: int


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
    stream: str | None
    """Null if it came in."""
    metadata: dict[str, str]
    scheduled_at: str | None
    """When it is to be sent."""
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
    last_delivery: LastDelivery | None
    """The newest entry of its log; null before there is one."""
    last_attempt_at: str | None
    next_attempt_at: str | None
    """Null when none is planned."""
    opened_at: str | None
    """When it was first opened."""
    clicked_at: str | None
    """When a link was last followed."""
    request: int
    """The first message of the request or transaction that it came with."""
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
    """One page, newest first unless the search says otherwise."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Email]
    searched_to: NotRequired[str | None]
    """When the last message that was looked at was received, where a page ended before it was full.
    """


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
    stream: NotRequired[str | None]
    """`transactional` if nobody says so."""
    metadata: NotRequired[dict[str, Any] | None]
    """What events tell again: 4,096 octets."""
    scheduled_at: NotRequired[str | None]
    """At most 365 days ahead."""
    unsubscribe: NotRequired[bool | None]
    """One-click fields; else the stream's."""
    raw: NotRequired[str | None]
    """A whole message (RFC 5322)."""
    raw_upload: NotRequired[str | None]
    """A message uploaded before."""


class Reschedule(TypedDict):
    """When a scheduled message is sent."""

    scheduled_at: str | None
    """At most 365 days ahead; null, or what has passed: now."""


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
    bounced_as: int | None
    """The message that told its sender of it."""
    most_tries: int
    """How often it is tried at most."""
    gives_up_at: str | None
    """About when it is given up, if it is to be tried again and every attempt fails."""
    accepted: Accepted | None
    """Of mail that leaves; null where it is not known."""
