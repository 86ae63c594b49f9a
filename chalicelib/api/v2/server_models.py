"""What requests for mail servers hold, and how a server is shown (api.md 2.5)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    StrictBool,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from chalicelib.api.v2.fields import WrongText, checked
from chalicelib.api.v2.limit_fields import (
    NUMBERS,
    SendLimit,
    SendLimitAction,
    SendLimitDay,
    SendLimitMonth,
)
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery, Request
from chalicelib.api.v2.organizations import Name, Permalink
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.rate_fields import (
    OF_RATES,
    BounceRateLimit,
    ComplaintRateLimit,
    RateHold,
    RateLimitCount,
)
from chalicelib.domain.tenancy import servers as tenancy
from chalicelib.domain.tenancy.permalink import SERVER_RESERVED
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.domain.tenancy.servers import (
    CONTENT_FOREVER,
    FOREVER,
    UNLIMITED,
    ServerMode,
    UnknownOutcome,
)
from chalicelib.services.tenancy.names import checked_permalink
from chalicelib.services.tenancy.servers import (
    MOST_SHARDS,
    checked_postmaster,
    checked_schedule,
)

MOST_DAYS = 3_650
MOST_MEGABYTES = 10_000_000
Whole = Annotated[int, Field(strict=True)]
RetrySchedule = Annotated[str, Field(max_length=500), checked(checked_schedule)]
Threshold = Annotated[float, Field(strict=True, allow_inf_nan=False)]
SpamThreshold = Annotated[
    Threshold, Field(ge=-10, le=25, description="Mail that scores more is spam.")
]
SpamFailureThreshold = Annotated[
    Threshold, Field(ge=10, le=50, description="Mail that scores so much fails.")
]
OutboundSpamThreshold = Annotated[
    Threshold | None,
    Field(ge=-10, le=50, description="Mail that scores so much is not sent; null: not scanned."),
]
PostmasterAddress = Annotated[
    Annotated[str, Field(max_length=254), checked(checked_postmaster)] | None,
    Field(description="Whom our bounces name; null: the postmaster of the domain."),
]
BounceIncoming = Annotated[
    StrictBool, Field(description="Tell senders of incoming mail that it failed.")
]
HardFails = Annotated[
    Whole,
    Field(ge=0, le=10, description="Hard fails of a recipient in 24 h that suppress it; 0: never."),
]


def _one_fault(kind: str, text: str) -> WrapValidator:
    """A wrong one is one fault at its own place, not one for each of the two types."""

    def read_one(value: Any, read: ValidatorFunctionWrapHandler) -> Any:
        try:
            return read(value)
        except ValidationError:
            raise WrongText(kind, f"must be {text}") from None

    return WrapValidator(read_one)


Days = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS)] | Literal["forever"],
    _one_fault("days", f'1 to {MOST_DAYS} or "forever"'),
]
ShownDays = Annotated[Days, BeforeValidator(lambda days: days or "forever")]
ContentDays = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=MOST_DAYS)] | Literal["forever"],
    _one_fault("days", f'0 to {MOST_DAYS} or "forever"'),
]
ContentSize = Annotated[
    Annotated[int, Field(strict=True, ge=1, le=MOST_MEGABYTES)] | Literal["unlimited"],
    _one_fault("megabytes", f'1 to {MOST_MEGABYTES:,} or "unlimited"'),
]
ShownContentDays = Annotated[
    ContentDays, BeforeValidator(lambda days: "forever" if days == CONTENT_FOREVER else days)
]
ShownContentSize = Annotated[ContentSize, BeforeValidator(lambda size: size or "unlimited")]
MESSAGE_DAYS = "For how many days messages are kept, with deliveries and reports."
CONTENT_DAYS = "For how many days contents are kept; 0: until nothing waits."
CONTENT_SIZE = "How many megabytes of contents are kept; the oldest go first."
KEPT_FOR = {
    "message_retention_days": {"forever": FOREVER},
    "raw_message_retention_days": {"forever": CONTENT_FOREVER},
    "raw_message_retention_size": {"unlimited": UNLIMITED},
}
"""The words of fields whose numbers have one for no end."""
# What only an operator of the installation may set.
OF_OPERATORS = (
    NUMBERS
    | OF_RATES
    | {"outbound_spam_threshold", "allow_sender", "privacy_mode"}
    | {"message_retention_days", "raw_message_retention_days", "raw_message_retention_size"}
)


class SuppressionDays(Answer):
    """For how long recipients are suppressed, by reason."""

    hard_fails: ShownDays
    soft_fails: ShownDays
    bounce: ShownDays
    complaint: ShownDays
    unsubscribe: ShownDays
    manual: ShownDays


class SuppressionDaysToSet(Patch):
    """Those to change, by reason; null is the default of that reason."""

    hard_fails: Days | None = None
    soft_fails: Days | None = None
    bounce: Days | None = None
    complaint: Days | None = None
    unsubscribe: Days | None = None
    manual: Days | None = None

    def over(self, known: tenancy.SuppressionDays) -> tenancy.SuppressionDays:
        """What becomes of the days of a server."""
        chosen = {
            name: getattr(tenancy.USUAL_DAYS, name) if one is None else one
            for name, one in self.given().items()
        }
        days = {name: FOREVER if one == "forever" else one for name, one in chosen.items()}
        return replace(known, **days)


class Server(Answer):
    """A mail server of an organization."""

    id: int
    server: Annotated[str, Field(validation_alias="full_name", description="`acme/mail`.")]
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
    rate_holds: Annotated[
        list[RateHold], Field(description="The rates that hold its new mail at present.")
    ]
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
    message_retention_days: ShownDays
    raw_message_retention_days: ShownContentDays
    raw_message_retention_size: ShownContentSize
    created_at: Moment
    suspended: Annotated[
        bool, Field(validation_alias="is_suspended", description="It, or its organization.")
    ]
    suspended_at: Moment | None
    suspension_reason: str | None


class ServerSettings(Request):
    """What a server may be made with and changed to."""

    mode: ServerMode = ServerMode.LIVE
    send_limit: SendLimit = None
    send_limit_day: SendLimitDay = None
    send_limit_month: SendLimitMonth = None
    send_limit_action: SendLimitAction = LimitAction.HOLD
    complaint_rate_limit: ComplaintRateLimit = None
    bounce_rate_limit: BounceRateLimit = None
    rate_limit_count: RateLimitCount = None
    spam_threshold: SpamThreshold = 5
    spam_failure_threshold: SpamFailureThreshold = 20
    outbound_spam_threshold: OutboundSpamThreshold = None
    postmaster_address: PostmasterAddress = None
    allow_sender: StrictBool = False
    privacy_mode: StrictBool = False
    retry_schedule: Annotated[RetrySchedule | None, Field(description="As 1m,5m*2,1h*3.")] = None
    unknown_outcome: UnknownOutcome = UnknownOutcome.RESEND
    bounce_incoming: BounceIncoming = True
    suppress_hard_fails: HardFails = 2
    suppress_bounces: StrictBool = True
    suppress_complaints: StrictBool = True
    suppression_days: SuppressionDaysToSet | None = None
    message_retention_days: Annotated[Days, Field(description=MESSAGE_DAYS)] = 60
    raw_message_retention_days: Annotated[ContentDays, Field(description=CONTENT_DAYS)] = 30
    raw_message_retention_size: Annotated[ContentSize, Field(description=CONTENT_SIZE)] = 2_048


class ServerToMake(ServerSettings, Body):
    """A new server."""

    pool: Annotated[str, Field(max_length=32)] = "default"
    organization: Annotated[str, Field(max_length=50, description="A permalink.")]
    name: Name
    permalink: Annotated[
        Annotated[Permalink, checked(partial(checked_permalink, reserved=SERVER_RESERVED))] | None,
        Field(description="Made from the name when left out."),
    ] = None
    shards: Annotated[Whole, Field(ge=1, le=MOST_SHARDS)] = 1


class ServerToChange(ServerSettings, Patch):
    """What may be changed of it."""

    needed = frozenset({"name"})

    name: Name | None = None
    pool: Annotated[str | None, Field(max_length=32)] = None


class ServerPage(ListAnswer):
    """Servers, newest first."""

    data: list[Server]


class ServerQuery(PageQuery):
    """Which servers."""

    organization: str | None = Field(None, max_length=500, description="Only this one's.")


def without_words(given: dict[str, Any]) -> dict[str, Any]:
    """The settings of a server with the numbers that stand for words."""
    return {
        name: KEPT_FOR.get(name, {}).get(one, one) if isinstance(one, str) else one
        for name, one in given.items()
    }
