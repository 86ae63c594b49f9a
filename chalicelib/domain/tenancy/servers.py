"""Mail servers: what an organization sends with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import of_organization, of_server
from chalicelib.domain.tenancy.rate_limits import (
    NO_RATE_LIMITS,
    RateHold,
    RateLimits,
    StreamRates,
)
from chalicelib.domain.tenancy.send_limits import NO_LIMITS, LimitAction, SendLimits


class ServerMode(StrEnum):
    """Contract section 1.3."""

    LIVE = "Live"
    DEVELOPMENT = "Development"


class UnknownOutcome(StrEnum):
    """What a server wants when the peer may already have the message (crash matrix rows 6 and 7)."""

    RESEND = "resend"
    HOLD = "hold"


FOREVER = 0
"""Days of what has no end."""
CONTENT_FOREVER = -1
"""The same for contents, which may be kept for no day at all."""
UNLIMITED = 0
"""Megabytes of contents that no number ends."""


@dataclass(frozen=True, slots=True)
class SuppressionDays:
    """For how many days recipients are suppressed, by reason; None: for as many as the installation says."""

    hard_fails: int | None = None
    soft_fails: int | None = None
    bounce: int | None = None
    complaint: int = FOREVER
    unsubscribe: int = FOREVER
    manual: int = FOREVER

    def filled(self, usual: int) -> SuppressionDays:
        """All days, where the installation says `usual`."""
        own = {name: getattr(self, name) for name in ("hard_fails", "soft_fails", "bounce")}
        return replace(self, **{name: usual for name, days in own.items() if days is None})

    def of(self, reason: str, usual: int) -> int | None:
        """The days for a reason; None for ever."""
        days: int = getattr(self.filled(usual), reason)
        return days or None


USUAL_DAYS = SuppressionDays()


@dataclass(frozen=True, slots=True)
class Server:
    """A mail server of an organization (contract section 1.3). `token` is in return paths and tracking addresses.
    `postmaster_address` is whom our bounces name, None for the postmaster of the domain; without `bounce_incoming`
    there are none for incoming mail. Beside its own limits those of its organization hold. `rate_holds` are the rates
    that hold its new mail at present; they are what was found, and nobody's setting."""

    id: ServerId
    organization_id: OrganizationId
    organization_permalink: str
    permalink: str
    name: str
    token: str
    uuid: str
    created_at: int
    mode: ServerMode = ServerMode.LIVE
    pool: str = "default"
    shards: int = 1
    send_limit: int | None = None
    send_limit_day: int | None = None
    send_limit_month: int | None = None
    send_limit_action: LimitAction = LimitAction.HOLD
    spam_threshold: float = 5.0
    spam_failure_threshold: float = 20.0
    outbound_spam_threshold: float | None = None
    postmaster_address: str | None = None
    allow_sender: bool = False
    privacy_mode: bool = False
    retry_schedule: str | None = None
    unknown_outcome: UnknownOutcome = UnknownOutcome.RESEND
    bounce_incoming: bool = True
    suppress_hard_fails: int = 2
    suppress_bounces: bool = True
    suppress_complaints: bool = True
    suppression_days: SuppressionDays = USUAL_DAYS
    message_retention_days: int = 60
    raw_message_retention_days: int = 30
    raw_message_retention_size: int = 2_048
    suspended_at: int | None = None
    suspension_reason: str | None = None
    organization_suspended: bool = False
    organization_limits: SendLimits = NO_LIMITS
    complaint_rate_limit: float | None = None
    bounce_rate_limit: float | None = None
    rate_limit_count: int | None = None
    organization_rates: RateLimits = NO_RATE_LIMITS
    stream_rates: tuple[StreamRates, ...] = ()
    rate_holds: tuple[RateHold, ...] = ()

    @property
    def limits(self) -> SendLimits:
        """How many messages it may send."""
        return SendLimits(
            self.send_limit, self.send_limit_day, self.send_limit_month, self.send_limit_action
        )

    @property
    def rate_limits(self) -> RateLimits:
        """Which part of its mail may be complained about or come back."""
        return RateLimits(self.complaint_rate_limit, self.bounce_rate_limit, self.rate_limit_count)

    def rates_of(self, stream: str) -> RateLimits:
        """The limits of one stream alone."""
        found = (one.limits for one in self.stream_rates if one.stream == stream)
        return next(found, NO_RATE_LIMITS)

    @property
    def is_suspended(self) -> bool:
        """True when the server or its organization is suspended (contract section 1.1)."""
        return self.suspended_at is not None or self.organization_suspended

    @property
    def full_name(self) -> str:
        """`{organization}/{server}` as in URLs and SMTP user names."""
        return f"{self.organization_permalink}/{self.permalink}"


BY_PERMALINK: LookUp[Server] = LookUp(
    "V", lambda one: Place(of_organization(one.organization_id), one.permalink), points_to="V"
)
SERVERS = Entity(
    Server,
    "server",
    place=lambda one: Place(of_server(one.id)),
    look_ups=(BY_PERMALINK,),
    listed=BY_PERMALINK,
    filters=("mode", "pool"),
    texts=("permalink", "name"),
    audited="server",
)
