"""What is inside of what operations on `/api/v2/emails` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

__all__ = [
    "AcceptedRecipient",
    "AttachmentToSend",
    "FieldProblem",
    "Follower",
    "NamedTag",
    "Scope",
    "Status",
    "Visitor",
    "WaitCode",
]


class AcceptedRecipient(TypedDict):
    """One message made: there is one for each recipient."""

    id: int
    token: str
    to: str
    """Envelope recipient."""


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


class FieldProblem(TypedDict):
    """One wrong field."""

    pointer: str
    """JSON pointer (RFC 6901) into the request body or query."""
    code: str
    detail: str


class NamedTag(TypedDict):
    """A tag as other services have it; its value is the tag, its name is not kept."""

    name: str
    value: str


Scope = Literal["outgoing", "incoming"]
"""Direction of a message, as contract section 1.11 names it."""


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


class Visitor(TypedDict):
    """One open of a message. Its texts are what the client says of itself."""

    at: str
    address: str
    """Where it came from; may be a proxy's address."""
    user_agent: str
    automatic: bool
    """It looks like a scanner, proxy or prefetch."""


WaitCode = Literal[
    "queued",
    "retry",
    "in_progress",
    "credential",
    "suppressed",
    "send_limit",
    "development",
    "suspended",
    "quarantine",
    "route",
    "unknown_outcome",
    "dead_letter",
    "manual",
]
"""Why it waits; more may come."""


class Follower(Visitor):
    """One click on a link."""

    url: str
    """Where the link leads."""
