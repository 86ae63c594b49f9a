"""The tenants of an installation."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.domain.tenancy.rate_limits import RateLimits
from chalicelib.domain.tenancy.send_limits import LimitAction, SendLimits


@dataclass(frozen=True, slots=True)
class Organization:
    """A tenant. `permalink` is unique in the installation. `pools`: those that it may use, none for the default one
    alone; `time_zone`: an IANA name; `require_second_factor`: members without one are let in nowhere."""

    id: OrganizationId
    permalink: str
    name: str
    uuid: str
    created_at: int
    suspended_at: int | None = None
    suspension_reason: str | None = None
    time_zone: str = "UTC"
    pools: tuple[str, ...] = ()
    send_limit: int | None = None
    send_limit_day: int | None = None
    send_limit_month: int | None = None
    send_limit_action: LimitAction = LimitAction.HOLD
    require_second_factor: bool = False
    complaint_rate_limit: float | None = None
    bounce_rate_limit: float | None = None
    rate_limit_count: int | None = None

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


ORGANIZATIONS = Entity(
    Organization,
    "organization",
    place=lambda one: Place(ALL_ORGANIZATIONS, one.permalink),
    texts=("permalink", "name"),
    audited="organization",
)
