"""Suppression lists with API v2 (api.md 2.13)."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import PAST
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.objects import Other
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.api.v2.suppression_models import (
    OneSuppressionQuery,
    Suppression,
    SuppressionCounts,
    SuppressionPage,
    SuppressionQuery,
    SuppressionToAdd,
    SuppressionToRemove,
)
from chalicelib.domain import suppression as domain
from chalicelib.domain.errors import Rejected
from chalicelib.domain.mail.listed_address import listed_address
from chalicelib.domain.suppression import SuppressionFilter, SuppressionScope
from chalicelib.domain.suppression_told import told_of
from chalicelib.ports.clock import Clock
from chalicelib.services.suppressions import ListOwner, Suppressions, Wanted


async def list_suppressions(call: Call, query: SuppressionQuery) -> SuppressionPage:
    """List the recipients that are not written to, newest first: a server's, its streams' and its organization's."""
    wanted = SuppressionFilter(
        address=query.address,
        reason=query.reason,
        scope=query.scope,
        stream=query.stream,
        since=query.since.timestamp() if query.since else None,
        until=query.until.timestamp() if query.until else None,
    )
    position = await read_cursor(call, query)
    try:
        page = await call.program[Suppressions].page(owner_of(call), wanted, query.limit, position)
    except Rejected as error:
        raise invalid_at("/cursor", "cursor", "was not given out for this list") from error
    return SuppressionPage(
        data=[_shown(one) for one in page.values],
        has_more=page.next_cursor is not None,
        next_cursor=await render_cursor(call, query, page.next_cursor),
    )


async def add_suppression(call: Call, wanted: SuppressionToAdd) -> Suppression | Other:
    """List a recipient, or renew its entry: the later end wins."""
    owner = _owner_to_change(call)
    _check_scope(owner, wanted.scope, wanted.stream, "")
    until = None if wanted.expires_at is None else int(wanted.expires_at.timestamp())
    if until is not None and until <= call.program[Clock].now():
        raise invalid_at("/expires_at", "past", PAST)
    entry = Wanted(
        listed_address(wanted.address),
        wanted.reason,
        wanted.stream,
        wanted.note,
        until,
    )
    listed = await call.program[Suppressions].add(owner, entry)
    shown = _shown(listed.entry)
    return shown if listed.is_new else Other(200, shown)


async def count_suppressions(call: Call) -> SuppressionCounts:
    """Count the recipients that are not written to, by reason."""
    counted = await call.program[Suppressions].counts(owner_of(call))
    return SuppressionCounts(**{reason.value: number for reason, number in counted.items()})


async def show_suppression(call: Call, query: OneSuppressionQuery) -> Suppression:
    """Show why a recipient is not written to: the server's entry, or else a stream's, or else the organization's."""
    found = await call.program[Suppressions].find(
        owner_of(call), _address(call), query.scope, query.stream
    )
    return _shown(found)


async def delete_suppression(call: Call, query: SuppressionToRemove) -> None:
    """Take a recipient off the tenant's own list, or off that of a stream."""
    owner = _owner_to_change(call)
    _check_scope(owner, query.scope, query.stream, "", implied=True)
    await call.program[Suppressions].remove(owner, _address(call), query.stream, query.note)


def owner_of(call: Call) -> ListOwner:
    """Whose lists a request is about."""
    tenant = call.acts_in
    return ListOwner(tenant.organization_id, tenant.name, tenant.server)


def _owner_to_change(call: Call) -> ListOwner:
    owner = owner_of(call)
    if owner.server is None:
        call.caller.require_whole_organization()
    return owner


def _check_scope(
    owner: ListOwner,
    scope: SuppressionScope | None,
    stream: str | None,
    at: str,
    *,
    implied: bool = False,
) -> None:
    """The scope is one that the tenant's own list has, and a stream is named with its scope."""
    is_organization = owner.server is None
    if scope is not None and (scope is SuppressionScope.ORGANIZATION) is not is_organization:
        raise invalid_at(f"{at}/scope", "invalid", "is not a scope of this tenant")
    if scope is SuppressionScope.STREAM and stream is None:
        raise invalid_at(f"{at}/stream", "required", "is needed with the scope stream")
    is_of_stream = scope is SuppressionScope.STREAM or (
        implied and scope is None and not is_organization
    )
    if stream is not None and not is_of_stream:
        raise invalid_at(f"{at}/stream", "invalid", "goes with the scope stream alone")


def _address(call: Call) -> str:
    """The address of the path, as lists have it: also one that nobody may add."""
    named = call.value("address")
    try:
        return listed_address(named)
    except Rejected:
        return named


def _shown(one: domain.Suppression) -> Suppression:
    return Suppression.model_validate(told_of(one))


_READ: dict[str, Any] = {"tenant": "organization", "scope": "suppressions:read"}
_WRITE: dict[str, Any] = {"tenant": "organization", "scope": "suppressions:write"}
_ONE = "/suppressions/{address}"
ROUTES = (
    route("GET /suppressions", list_suppressions, SuppressionPage, query=SuppressionQuery, **_READ),
    route(
        "POST /suppressions",
        add_suppression,
        Suppression,
        status=201,
        also={200: Suppression},
        body=SuppressionToAdd,
        location=_ONE,
        **_WRITE,
    ),
    route("GET /suppressions/counts", count_suppressions, SuppressionCounts, **_READ),
    route(f"GET {_ONE}", show_suppression, Suppression, query=OneSuppressionQuery, **_READ),
    route(
        f"DELETE {_ONE}", delete_suppression, None, status=204, query=SuppressionToRemove, **_WRITE
    ),
)
