"""What operations on `/api/v2/servers` send and answer.

Written by `python -m docs.generate`; change the declarations of the API that it reads.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from posthorn_client.models.organizations import LimitAction
from posthorn_client.models.servers_parts import (
    Rate,
    ServerMode,
    SparedMessages,
    SuppressionDays,
    SuppressionDaysToSet,
    UnknownOutcome,
)

__all__ = ["RateHold", "RetentionPreview", "Server", "ServerPage", "ServerToChange", "ServerToMake"]


class RateHold(TypedDict):
    """A rate that is above its limit, so that new mail is held."""

    rate: Rate
    stream: str | None
    """Null: of the whole server."""
    limit: float
    """In percent."""
    percent: float
    """The rate when it began."""
    since: str
    until: str
    """When it is thought to end."""


class RetentionPreview(TypedDict):
    """What the next run would remove. At most 20,000 messages of a day are looked at."""

    messages: int
    """Messages, with deliveries and reports."""
    contents: int
    """Bodies; several messages may share one."""
    bytes: int
    """Of these bodies."""
    spared: SparedMessages


class Server(TypedDict):
    """A mail server of an organization."""

    id: int
    server: str
    """`acme/mail`."""
    name: str
    permalink: str
    token: str
    uuid: str
    mode: ServerMode
    pool: str
    shards: int
    send_limit: int | None
    send_limit_day: int | None
    send_limit_month: int | None
    send_limit_action: LimitAction
    complaint_rate_limit: float | None
    bounce_rate_limit: float | None
    rate_limit_count: int | None
    rate_holds: list[RateHold]
    """The rates that hold its new mail at present."""
    spam_threshold: float
    spam_failure_threshold: float
    outbound_spam_threshold: float | None
    postmaster_address: str | None
    allow_sender: bool
    privacy_mode: bool
    retry_schedule: str | None
    unknown_outcome: UnknownOutcome
    bounce_incoming: bool
    suppress_hard_fails: int
    suppress_bounces: bool
    suppress_complaints: bool
    suppression_days: SuppressionDays
    message_retention_days: int | Literal["forever"]
    raw_message_retention_days: int | Literal["forever"]
    raw_message_retention_size: int | Literal["unlimited"]
    created_at: str
    suspended: bool
    """It, or its organization."""
    suspended_at: str | None
    suspension_reason: str | None


class ServerPage(TypedDict):
    """Servers, newest first."""

    has_more: bool
    next_cursor: str | None
    """The `cursor` of the next page."""
    data: list[Server]


class ServerToChange(TypedDict):
    """What may be changed of it."""

    mode: NotRequired[ServerMode | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""
    complaint_rate_limit: NotRequired[float | None]
    """Percent of delivered mail that is complained about, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    bounce_rate_limit: NotRequired[float | None]
    """Percent of mail that does not reach its recipient, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    rate_limit_count: NotRequired[int | None]
    """Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."""
    spam_threshold: NotRequired[float | None]
    """Mail that scores more is spam."""
    spam_failure_threshold: NotRequired[float | None]
    """Mail that scores so much fails."""
    outbound_spam_threshold: NotRequired[float | None]
    """Mail that scores so much is not sent; null: not scanned."""
    postmaster_address: NotRequired[str | None]
    """Whom our bounces name; null: the postmaster of the domain."""
    allow_sender: NotRequired[bool | None]
    privacy_mode: NotRequired[bool | None]
    retry_schedule: NotRequired[str | None]
    """As 1m,5m*2,1h*3."""
    unknown_outcome: NotRequired[UnknownOutcome | None]
    bounce_incoming: NotRequired[bool | None]
    """Tell senders of incoming mail that it failed."""
    suppress_hard_fails: NotRequired[int | None]
    """Hard fails of a recipient in 24 h that suppress it; 0: never."""
    suppress_bounces: NotRequired[bool | None]
    suppress_complaints: NotRequired[bool | None]
    suppression_days: NotRequired[SuppressionDaysToSet | None]
    message_retention_days: NotRequired[int | Literal["forever"] | None]
    """For how many days messages are kept, with deliveries and reports."""
    raw_message_retention_days: NotRequired[int | Literal["forever"] | None]
    """For how many days contents are kept; 0: until nothing waits."""
    raw_message_retention_size: NotRequired[int | Literal["unlimited"] | None]
    """How many megabytes of contents are kept; the oldest go first."""
    name: NotRequired[str | None]
    pool: NotRequired[str | None]


class ServerToMake(TypedDict):
    """A new server."""

    mode: NotRequired[ServerMode | None]
    send_limit: NotRequired[int | None]
    """Messages in 60 minutes; null: any number."""
    send_limit_day: NotRequired[int | None]
    """Messages in 24 hours; null: any number."""
    send_limit_month: NotRequired[int | None]
    """Messages in a month, UTC; null: any number."""
    send_limit_action: NotRequired[LimitAction | None]
    """What becomes of mail above a limit: held and sent later, or refused."""
    complaint_rate_limit: NotRequired[float | None]
    """Percent of delivered mail that is complained about, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    bounce_rate_limit: NotRequired[float | None]
    """Percent of mail that does not reach its recipient, above which new mail is held, with at most
    two decimals; null: none of its own.
    """
    rate_limit_count: NotRequired[int | None]
    """Of fewer messages in 24 hours no rate is taken; null: as the wider owner has it."""
    spam_threshold: NotRequired[float | None]
    """Mail that scores more is spam."""
    spam_failure_threshold: NotRequired[float | None]
    """Mail that scores so much fails."""
    outbound_spam_threshold: NotRequired[float | None]
    """Mail that scores so much is not sent; null: not scanned."""
    postmaster_address: NotRequired[str | None]
    """Whom our bounces name; null: the postmaster of the domain."""
    allow_sender: NotRequired[bool | None]
    privacy_mode: NotRequired[bool | None]
    retry_schedule: NotRequired[str | None]
    """As 1m,5m*2,1h*3."""
    unknown_outcome: NotRequired[UnknownOutcome | None]
    bounce_incoming: NotRequired[bool | None]
    """Tell senders of incoming mail that it failed."""
    suppress_hard_fails: NotRequired[int | None]
    """Hard fails of a recipient in 24 h that suppress it; 0: never."""
    suppress_bounces: NotRequired[bool | None]
    suppress_complaints: NotRequired[bool | None]
    suppression_days: NotRequired[SuppressionDaysToSet | None]
    message_retention_days: NotRequired[int | Literal["forever"] | None]
    """For how many days messages are kept, with deliveries and reports."""
    raw_message_retention_days: NotRequired[int | Literal["forever"] | None]
    """For how many days contents are kept; 0: until nothing waits."""
    raw_message_retention_size: NotRequired[int | Literal["unlimited"] | None]
    """How many megabytes of contents are kept; the oldest go first."""
    pool: NotRequired[str | None]
    organization: str
    """A permalink."""
    name: str
    permalink: NotRequired[str | None]
    """Made from the name when left out."""
    shards: NotRequired[int | None]
