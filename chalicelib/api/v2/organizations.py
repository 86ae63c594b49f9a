"""Organizations with API v2 (api.md 2.1)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2 import rate_fields as rates
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.limit_fields import (
    ALL_FIELDS,
    SendLimit,
    SendLimitAction,
    SendLimitDay,
    SendLimitMonth,
)
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import (
    Answer,
    Body,
    ConfirmQuery,
    ListAnswer,
    Moment,
    PageQuery,
)
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.problems import ConfirmationRequired
from chalicelib.api.v2.route import route
from chalicelib.domain.people.roles import Role
from chalicelib.domain.tenancy import organizations as tenancy
from chalicelib.domain.tenancy.permalink import ORGANIZATION_RESERVED
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.services.people.members import Members, Terms
from chalicelib.services.pools.assignment import Assignment, PoolAssignment
from chalicelib.services.suspensions import Suspensions
from chalicelib.services.tenancy.names import LONGEST_NAME, checked_name, checked_permalink
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.time_zones import checked_time_zone

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_NAME), checked(checked_name)]
Permalink = Annotated[str, Field(min_length=1, max_length=50, description="`[a-z0-9-]`.")]


RequireFactor = Annotated[
    StrictBool, Field(description="Members without a second factor are let in nowhere.")
]


class Organization(Answer):
    """A tenant of the installation."""

    id: int
    uuid: str
    permalink: str
    name: str
    time_zone: str
    pools: list[str]
    send_limit: int | None
    send_limit_day: int | None
    send_limit_month: int | None
    send_limit_action: LimitAction
    complaint_rate_limit: float | None
    bounce_rate_limit: float | None
    rate_limit_count: int | None
    require_second_factor: RequireFactor
    created_at: Moment
    suspended_at: Moment | None
    suspension_reason: str | None


TimeZone = Annotated[
    str, Field(max_length=64, description="An IANA name."), checked(checked_time_zone)
]
PoolNames = Annotated[
    list[Annotated[str, Field(max_length=32)]],
    Field(min_length=1, max_length=100, description="Null: the default pool alone."),
]


# What only an operator of the installation may set.
OF_OPERATORS = ALL_FIELDS | rates.OF_RATES | {"pools"}
# What only an owner may set.
OF_OWNERS = frozenset({"require_second_factor"})


class OrganizationToMake(Body):
    """A new organization."""

    name: Name
    permalink: Annotated[
        Annotated[Permalink, checked(partial(checked_permalink, reserved=ORGANIZATION_RESERVED))]
        | None,
        Field(description="Made from the name when left out."),
    ] = None
    time_zone: TimeZone = "UTC"
    pools: PoolNames | None = None
    send_limit: SendLimit = None
    send_limit_day: SendLimitDay = None
    send_limit_month: SendLimitMonth = None
    send_limit_action: SendLimitAction = LimitAction.HOLD
    complaint_rate_limit: rates.ComplaintRateLimit = None
    bounce_rate_limit: rates.BounceRateLimit = None
    rate_limit_count: rates.RateLimitCount = None
    require_second_factor: RequireFactor = False


class OrganizationToChange(Patch):
    """What may be changed of it."""

    needed = frozenset({"name"})

    name: Name | None = None
    time_zone: TimeZone = "UTC"
    pools: PoolNames | None = None
    send_limit: SendLimit = None
    send_limit_day: SendLimitDay = None
    send_limit_month: SendLimitMonth = None
    send_limit_action: SendLimitAction = LimitAction.HOLD
    complaint_rate_limit: rates.ComplaintRateLimit = None
    bounce_rate_limit: rates.BounceRateLimit = None
    rate_limit_count: rates.RateLimitCount = None
    require_second_factor: RequireFactor = False


class Suspension(Body):
    """Why mail is held."""

    reason: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_NAME),
        checked(partial(checked_name, field="reason")),
    ]


class OrganizationPage(ListAnswer):
    """Organizations, newest first."""

    data: list[Organization]


async def list_organizations(call: Call, query: PageQuery) -> OrganizationPage:
    """List the organizations that the key reaches, newest first."""
    reached = [
        one
        for one in await call.program[Organizations].all()
        if call.caller.reaches_organization(one.id)
    ]
    newest = sorted(reached, key=_position, reverse=True)
    known = await call.program[PoolAssignment].read()
    found = await page(call, query, newest, _position, lambda one: _told(one, known))
    return OrganizationPage(**found)


async def create_organization(call: Call, wanted: OrganizationToMake) -> Organization:
    """Make an organization."""
    pools = await call.program[PoolAssignment].usable(wanted.pools)
    more = wanted.model_dump(include={*ALL_FIELDS, *rates.OF_RATES, "require_second_factor"})
    made = await call.program[Organizations].create(
        wanted.name, wanted.permalink, time_zone=wanted.time_zone, pools=pools, **more
    )
    if (person := call.caller.person) is not None:
        await call.program[Members].add(made.id, person.user, Terms(Role.OWNER))
    return await _shown(call, made)


async def show_organization(call: Call) -> Organization:
    """Show an organization."""
    return await _shown(call, await _named(call))


async def change_organization(call: Call, change: OrganizationToChange) -> Organization:
    """Change an organization."""
    call.caller.require_whole_organization()
    given = change.given()
    if not OF_OPERATORS.isdisjoint(given):
        call.caller.require(INSTALLATION_WRITE)
    if not given or given.keys() - OF_OPERATORS - OF_OWNERS:
        call.caller.require("people:write")
    found = await _named(call)
    if "pools" in given:
        found = await call.program[PoolAssignment].give(found, given.pop("pools"))
    if given:
        found = await call.program[Organizations].update(found, **given)
    return await _shown(call, found)


async def delete_organization(call: Call, query: ConfirmQuery) -> None:
    """Delete an organization with all its servers: gone for all at once, its data within a day."""
    found = await _named(call)
    if query.confirm != found.permalink:
        raise ConfirmationRequired(found.permalink)
    await call.program[RemoveTenants].remove_organization(found)


async def suspend_organization(call: Call, suspension: Suspension) -> Organization:
    """Hold all mail of an organization's servers."""
    suspensions = call.program[Suspensions]
    done = await suspensions.suspend_organization(call.acts_in.permalink, suspension.reason)
    return await _shown(call, done)


async def unsuspend_organization(call: Call) -> Organization:
    """Lift the suspension of an organization; its servers' own stay."""
    done = await call.program[Organizations].unsuspend(call.acts_in.permalink)
    return await _shown(call, done)


async def _before_changing(call: Call, change: OrganizationToChange) -> None:
    if not OF_OWNERS.isdisjoint(change.given()):
        call.caller.require_owner()
        await confirmed(call)


async def _before_deleting(call: Call, query: ConfirmQuery) -> None:
    call.caller.require_owner()
    await confirmed(call)


async def _named(call: Call) -> tenancy.Organization:
    """The organization that the path names, as it is at this moment."""
    return await call.program[Organizations].get(call.acts_in.permalink)


async def _shown(call: Call, organization: tenancy.Organization) -> Organization:
    return _told(organization, await call.program[PoolAssignment].read())


def _told(organization: tenancy.Organization, known: Assignment) -> Organization:
    return Organization.model_validate(replace(organization, pools=known.pools_of(organization)))


def _position(organization: tenancy.Organization) -> str:
    return f"{organization.id:010d}"


_ONE = "/organizations/{organization}"
_OF_PATH: dict[str, Any] = {"tenant": "path"}
_OPERATOR: dict[str, Any] = {"scope": INSTALLATION_WRITE}
ROUTES = (
    route(
        "GET /organizations",
        list_organizations,
        OrganizationPage,
        query=PageQuery,
        tenant="none",
        scope="people:read",
    ),
    route(
        "POST /organizations",
        create_organization,
        Organization,
        status=201,
        body=OrganizationToMake,
        tenant="none",
        location="/organizations/{permalink}",
        **_OPERATOR,
    ),
    route(f"GET {_ONE}", show_organization, Organization, scope="people:read", **_OF_PATH),
    route(
        f"PATCH {_ONE}",
        change_organization,
        Organization,
        body=OrganizationToChange,
        before=_before_changing,
        scope="people:write",
        operators_too=True,
        **_OF_PATH,
    ),
    route(
        f"DELETE {_ONE}",
        delete_organization,
        None,
        status=204,
        query=ConfirmQuery,
        before=_before_deleting,
        scope="people:write",
        operators_too=True,
        note="For owners and operators.",
        **_OF_PATH,
    ),
    route(
        f"POST {_ONE}/suspend",
        suspend_organization,
        Organization,
        body=Suspension,
        **_OF_PATH,
        **_OPERATOR,
    ),
    route(f"POST {_ONE}/unsuspend", unsuspend_organization, Organization, **_OF_PATH, **_OPERATOR),
)
