"""What operations on `/api/v2/emails/…` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.emails_parts import Status

__all__ = [
    "Conversation",
    "DeliveryEntry",
    "DeliveryLog",
    "EmailContent",
    "Release",
    "Replay",
    "SaidLine",
    "ShownAttachment",
    "ShownField",
]


class Conversation(TypedDict):
    """What was said with the host that decided an attempt, or the last that was tried. A session that
    earlier messages used begins with MAIL.
    """

    host: str
    address: str
    source: str | None
    """Where we spoke from."""
    tls: str | None
    """TLS version and cipher."""
    data: list[SaidLine]
    truncated: bool
    """Lines in the middle, or ends of lines, are left out."""


class DeliveryEntry(TypedDict):
    """One attempt or change of state. What nobody was asked about is null."""

    id: int
    status: Status
    details: str
    output: str | None
    """The remote server's answer."""
    at: str
    seconds: float | None
    """How long it took."""
    sent_with_tls: bool
    tls: str | None
    """TLS version and cipher."""
    source: str | None
    """Where we sent from."""
    remote: str | None
    """Whom we sent to."""
    log_id: str | None
    cause: str | None
    """Why it failed, in one word; more words may come."""
    report: int | None
    """The report that says so."""


class DeliveryLog(TypedDict):
    """The log of one message, oldest first."""

    data: list[DeliveryEntry]


class EmailContent(TypedDict):
    """What is in a message. Text parts that are no attachments are joined; lines end with LF."""

    headers: list[ShownField]
    """In order, ours included."""
    text: str | None
    html: str | None
    """As it came: hostile."""
    reply_text: str | None
    """The text without what it quotes."""
    quoted_text: str | None
    """Null when nothing was quoted."""
    attachments: list[ShownAttachment]
    truncated: bool
    """There is more than is shown."""


class Release(TypedDict):
    """How a held message is released."""

    allow: NotRequired[bool | None]
    """Take its recipient off all suppression lists first: `suppressions:write`."""
    note: NotRequired[str | None]
    """Why."""


class Replay(TypedDict):
    """Where a received message goes."""

    endpoint: NotRequired[str | None]
    """To this endpoint, whatever routes say."""


_SaidLine = TypedDict("_SaidLine", {"from": "Literal['us', 'them']"})


class SaidLine(_SaidLine):
    """One line of a command or a reply."""

    ms: int
    """Milliseconds since the host was turned to."""
    text: str
    """Of content only how long it was; secrets are `***`."""


class ShownAttachment(TypedDict):
    """A part that is no body."""

    index: int
    """Its number in the path of its bytes."""
    filename: str | None
    content_type: str
    """Without parameters."""
    content_id: str | None
    """Without brackets."""
    size: int
    """Bytes, decoded."""
    sha256: str
    """Of the decoded bytes, in hex."""


class ShownField(TypedDict):
    """A header field, unfolded and decoded."""

    name: str
    value: str
