"""Messages as requests and answers of API v2: ids are integers per server, tokens are what headers show."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictBool

from chalicelib.api.v2.acceptance import Accepted
from chalicelib.api.v2.delivery_models import LastDelivery
from chalicelib.api.v2.fields import (
    Address,
    Addresses,
    Author,
    Base64,
    ContentId,
    ContentType,
    FileName,
    HeaderName,
    HeaderValue,
    Instant,
    Line,
    Metadata,
    StreamName,
    Tag,
    UploadId,
)
from chalicelib.api.v2.incoming_models import (
    Authentication,
    EnvelopeShown,
    NamedEndpoint,
    NamedRoute,
    Spam,
    Threat,
)
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.problems import Problem
from chalicelib.api.v2.report_models import Report
from chalicelib.api.v2.wait_models import Wait
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import Scope, Status
from chalicelib.domain.search.parse import LONGEST_QUERY

MOST_IN_BATCH = 100
MOST_HEADERS = 200
MOST_ATTACHMENTS = 500


class AttachmentToSend(Body):
    """A file: its bytes as `content`, or an `upload`. With `content_id` it is shown inside the HTML as `cid:`."""

    filename: FileName
    content: Annotated[Base64 | None, Field(description="The bytes.")] = None
    upload: Annotated[UploadId | None, Field(description="The id of a finished upload.")] = None
    content_type: ContentType = "application/octet-stream"
    content_id: ContentId | None = Field(None, description="What `cid:` in the HTML refers to.")


class NamedTag(Body):
    """A tag as other services have it; its value is the tag, its name is not kept."""

    name: Tag
    value: Tag


class EmailToSend(Body):
    """A message: described by its fields, or finished as `raw` or `raw_upload`."""

    author: Author = Field(alias="from", description="The author, whose domain must be verified.")
    to: Annotated[Addresses, Field(description="Recipients that the message shows.")] = Field([])
    cc: Annotated[Addresses, Field(description="Further recipients that it shows.")] = Field([])
    bcc: Annotated[Addresses, Field(description="Recipients that it does not show.")] = Field([])
    reply_to: Annotated[Addresses, Field(description="Where answers shall go.")] = Field([])
    sender: Author | None = Field(None, description="Who sends it, when that is not the author.")
    subject: Line | None = None
    text: Annotated[str | None, Field(description="The body as plain text.")] = None
    html: Annotated[str | None, Field(description="The body as HTML.")] = None
    headers: dict[HeaderName, HeaderValue] = Field(
        {}, max_length=MOST_HEADERS, description="Further header fields by name."
    )
    attachments: Annotated[list[AttachmentToSend], Field(max_length=MOST_ATTACHMENTS)] = Field([])
    tag: Annotated[Tag | None, Field(description="A word to find messages by.")] = None
    tags: list[NamedTag] = Field([], max_length=1, description="The tag as other services have it.")
    stream: StreamName | None = Field(None, description="`transactional` if nobody says so.")
    metadata: Metadata | None = Field(None, description="What events tell again: 4,096 octets.")
    scheduled_at: Instant | None = Field(None, description="At most 365 days ahead.")
    unsubscribe: StrictBool | None = Field(None, description="One-click fields; else the stream's.")
    raw: Annotated[Base64 | None, Field(description="A whole message (RFC 5322).")] = None
    raw_upload: Annotated[UploadId | None, Field(description="A message uploaded before.")] = None


class UploadToMake(Body):
    """What is to be uploaded."""

    size: Annotated[int, Field(ge=1, strict=True, description="Bytes.")]


class Flag(StrEnum):
    """Where a message stands, as lists can be filtered."""

    HELD = "held"
    QUEUED = "queued"
    SCHEDULED = "scheduled"
    FAILED = "failed"
    BOUNCED = "bounced"


class EmailQuery(PageQuery):
    """The filters of a list."""

    q: Annotated[
        str | None,
        Field(
            max_length=LONGEST_QUERY,
            description="A search, such as `invoice to:*@example.com status:held after:7d`; see docs/search.md.",
        ),
    ] = None
    to: Annotated[
        Address | None, Field(description="For this recipient; without q not with status.")
    ] = None
    status: Annotated[
        Flag | None, Field(description="Only messages that stand so; without q not with to.")
    ] = None
    direction: Scope = Scope.OUTGOING
    request: Annotated[
        int | None,
        Field(
            ge=1,
            description="Those of one request or transaction, by its first message, in the order in which they were"
            " made; of both directions unless one is named, and not with q, to or status.",
        ),
    ] = None


class AcceptedRecipient(Answer):
    """One message made: there is one for each recipient."""

    id: int
    token: str
    to: str = Field(validation_alias="rcpt_to", description="Envelope recipient.")


class AcceptedEmail(Answer):
    """A message accepted: it will be delivered, or its record says why not."""

    id: Annotated[int, Field(description="The id of the first recipient's message.")]
    message_id: Annotated[str | None, Field(description="Message-ID without brackets.")]
    emails: list[AcceptedRecipient]


class BatchResult(Answer):
    """What became of one item: `email` when accepted, else `problem`."""

    index: int
    status: int
    email: AcceptedEmail | None = None
    problem: Problem | None = None


class BatchResults(Answer):
    """One result for each item, in order."""

    data: list[BatchResult]
    accepted: Annotated[int, Field(description="How many were.")]
    rejected: Annotated[int, Field(description="How many were.")]


class Email(Answer):
    """A message and where it stands."""

    id: int
    token: str
    direction: Scope = Field(validation_alias="scope")
    status: Status
    mail_from: Annotated[str, Field(alias="from", description="Envelope sender.")]
    to: str = Field(validation_alias="rcpt_to", description="Envelope recipient.")
    subject: str
    message_id: str
    tag: str | None
    stream: Annotated[str | None, Field(description="Null if it came in.")]
    metadata: dict[str, str]
    scheduled_at: Annotated[Moment | None, Field(description="When it is to be sent.")]
    size: Annotated[int, Field(description="Bytes.")]
    bounce: Annotated[bool, Field(description="It reports that another could not be delivered.")]
    held: Annotated[bool, Field(description="It waits for a person.")]
    hold_expires_at: Moment | None
    received_at: Moment
    received_with_tls: bool = Field(validation_alias="received_with_ssl")
    tries: Annotated[int, Field(description="Conversations that failed so far.")]
    wait: Annotated[Wait | None, Field(description="Why it is not done; null when it is.")]
    pool: Annotated[str, Field(description="The pool that it leaves by.")]
    domain: Annotated[str, Field(description="The domain that let it in.")]
    credential: Annotated[str, Field(description="The id of the credential that let it in.")]
    last_delivery: Annotated[
        LastDelivery | None,
        Field(description="The newest entry of its log; null before there is one."),
    ]
    last_attempt_at: Moment | None
    next_attempt_at: Annotated[Moment | None, Field(description="Null when none is planned.")]
    opened_at: Annotated[Moment | None, Field(description="When it was first opened.")]
    clicked_at: Annotated[Moment | None, Field(description="When a link was last followed.")]
    request: Annotated[
        int, Field(description="The first message of the request or transaction that it came with.")
    ]
    resend_of: Annotated[
        int | None, Field(description="The message whose content this one sends once more.")
    ]
    resent_as: Annotated[
        list[int],
        Field(description="The messages that send this one's content once more, oldest first."),
    ]
    spam_status: SpamStatus
    route: Annotated[NamedRoute | None, Field(description="What took it, if it came in.")]
    endpoint: Annotated[NamedEndpoint | None, Field(description="What it is for, if it came in.")]
    bounce_of: Annotated[int | None, Field(description="The message that it reports on.")]


Known = Annotated[str | None, BeforeValidator(lambda text: text or None)]


class Visitor(Answer):
    """One open of a message. Null is what nobody knows, or what the server's privacy mode does not keep."""

    at: Moment
    address: Annotated[Known, Field(description="Where it came from; may be a proxy's address.")]
    user_agent: Annotated[Known, Field(description="What the client says it is.")]
    automatic: Annotated[bool, Field(description="It looks like a scanner, proxy or prefetch.")]


class Follower(Visitor):
    """One click on a link."""

    url: Annotated[str, Field(description="Where the link leads.")]


class EmailWithActivity(Email):
    """A message, where it stands, and who opened it and followed its links: of all these the newest 500."""

    opens: Annotated[list[Visitor], Field(description="Oldest first.")]
    clicks: Annotated[list[Follower], Field(description="Oldest first.")]
    spam: Spam
    threat: Threat
    authentication: Annotated[
        Authentication | None, Field(description="Of mail that came in, once it was looked at.")
    ]
    envelope: Annotated[EnvelopeShown | None, Field(description="Of mail that came in.")]
    reports: Annotated[list[Report], Field(description="What came back about it, oldest first.")]
    bounced_as: Annotated[int | None, Field(description="The message that told its sender of it.")]
    most_tries: Annotated[int, Field(description="How often it is tried at most.")]
    gives_up_at: Annotated[
        Moment | None,
        Field(
            description="About when it is given up, if it is to be tried again and every attempt fails."
        ),
    ]
    accepted: Annotated[
        Accepted | None, Field(description="Of mail that leaves; null where it is not known.")
    ]


class EmailPage(ListAnswer):
    """One page, newest first unless the search says otherwise."""

    data: list[Email]
    searched_to: Annotated[
        Moment | None,
        Field(
            description="When the last message that was looked at was received, where a page ended before it was full."
        ),
    ] = None


class Upload(Answer):
    """Where to send the bytes: one request with this method and these headers, before it expires."""

    id: str
    url: str
    method: Literal["PUT", "POST"]
    headers: dict[str, str]
    expires_at: Moment
