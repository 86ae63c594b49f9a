"""What is inside of what operations on `/api/v2/emails` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "AcceptedRecipient",
    "Arc",
    "AttachmentToSend",
    "CheckResult",
    "DkimSignature",
    "Dmarc",
    "Door",
    "EndpointType",
    "EnvelopeShown",
    "FieldProblem",
    "Follower",
    "MatchedBy",
    "NamedRoute",
    "NamedTag",
    "ReportKind",
    "Scope",
    "SpamCheck",
    "SpamStatus",
    "Spf",
    "Status",
    "Threat",
    "Visitor",
    "WaitCode",
]


class AcceptedRecipient(TypedDict):
    """One message made: there is one for each recipient."""

    id: int
    token: str
    to: str
    """Envelope recipient."""


class Arc(TypedDict):
    """RFC 8617."""

    result: str


class AttachmentToSend(TypedDict):
    """A file: its bytes as `content`, or an `upload`. With `content_id` it is shown inside the HTML as
    `cid:`.
    """

    filename: str
    content: NotRequired[str | None]
    """The bytes."""
    upload: NotRequired[str | None]
    """The id of a finished upload."""
    content_type: NotRequired[str | None]
    content_id: NotRequired[str | None]
    """What `cid:` in the HTML refers to."""


CheckResult = Literal["pass", "fail", "skip"]
"""How a check went; SKIP is one that does not apply."""


class DkimSignature(TypedDict):
    """RFC 6376."""

    result: str
    domain: str
    selector: str


class Dmarc(TypedDict):
    """RFC 9989."""

    result: str
    domain: str | None
    """That of From."""
    policy: str | None
    """The one that applies."""
    aligned: list[str]
    """Which of spf and dkim vouch for it."""


Door = Literal["api", "smtp", "simulate", "system"]
"""By which way it came in."""


EndpointType = Literal["http", "smtp", "address"]
"""What an endpoint is (api.md 2.8)."""


class EnvelopeShown(TypedDict):
    """Who brought it, and the tag in its recipient."""

    helo: str
    client: str
    client_name: str
    tag: str | None


class FieldProblem(TypedDict):
    """One wrong field."""

    pointer: str
    """JSON pointer (RFC 6901) into the request body or query."""
    code: str
    detail: str


MatchedBy = Literal["return_path", "msgid", "message_id"]
"""How the message that it is about was found; wire words."""


class NamedRoute(TypedDict):
    """The route that took a message."""

    id: str
    name: str


class NamedTag(TypedDict):
    """A tag as other services have it; its value is the tag, its name is not kept."""

    name: str
    value: str


ReportKind = Literal["bounce", "delay", "complaint", "auto_reply"]
"""Wire words."""


Scope = Literal["outgoing", "incoming"]
"""Direction of a message, as contract section 1.11 names it."""


class SpamCheck(TypedDict):
    """One rule of a scanner that said something."""

    code: str
    score: float
    description: str


SpamStatus = Literal["NotChecked", "NotSpam", "Spam"]
"""Contract section 1.11; the texts are wire facts."""


class Spf(TypedDict):
    """RFC 7208."""

    result: str
    domain: str | None
    client: str | None


Status = Literal[
    "Pending",
    "Sent",
    "SoftFail",
    "HardFail",
    "Held",
    "Bounced",
    "Processed",
    "HoldCancelled",
    "Error",
]
"""Message and delivery statuses of contract section 1.12; the texts are wire facts."""


class Threat(TypedDict):
    """What a virus scanner said; `details` is null before it was asked."""

    found: bool
    details: str | None


class Visitor(TypedDict):
    """One open of a message. Null is what nobody knows, or what the server's privacy mode does not
    keep.
    """

    at: str
    address: str | None
    """Where it came from; may be a proxy's address."""
    user_agent: str | None
    """What the client says it is."""
    automatic: bool
    """It looks like a scanner, proxy or prefetch."""


WaitCode = Literal[
    "queued",
    "retry",
    "scheduled",
    "in_progress",
    "throttled",
    "source",
    "credential",
    "suppressed",
    "send_limit",
    "complaint_rate",
    "bounce_rate",
    "development",
    "suspended",
    "quarantine",
    "route",
    "endpoint",
    "unknown_outcome",
    "dead_letter",
    "manual",
]
"""Why it waits; more may come."""


class Follower(Visitor):
    """One click on a link."""

    url: str
    """Where the link leads."""
