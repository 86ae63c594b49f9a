"""Routes of mail with API v2 (api.md 2.9): which mail for the customers' domains goes where."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.route import route
from chalicelib.api.v2.route_models import (
    MailRoute,
    RoutePage,
    RouteToChange,
    RouteToMake,
    route_given,
    route_shown,
)
from chalicelib.config import Settings
from chalicelib.domain.tenancy.routes import Route
from chalicelib.services.incoming.routes import Routes


async def list_routes(call: Call, query: PageQuery) -> RoutePage:
    """List the routes of the server, by priority, then age."""
    found = await call.program[Routes].of(call.server)
    told = await page(call, query, found, _position, lambda one: _shown(call, one), rising=True)
    return RoutePage(**told)


async def create_route(call: Call, wanted: RouteToMake) -> MailRoute:
    """Make a route: it takes mail within 30 seconds everywhere."""
    routes = call.program[Routes]
    made = await routes.create(call.server, route_given(wanted), call.caller.reaches_server)
    return _shown(call, made)


async def show_route(call: Call) -> MailRoute:
    """Show a route."""
    return _shown(call, await _named(call))


async def change_route(call: Call, change: RouteToChange) -> MailRoute:
    """Change a route."""
    found, given = await _named(call), route_given(change)
    if given:
        reaches = call.caller.reaches_server
        found = await call.program[Routes].change(call.server, found, given, reaches)
    return _shown(call, found)


async def delete_route(call: Call) -> None:
    """Delete a route: mail for it is refused, within 30 seconds everywhere."""
    await call.program[Routes].remove(await _named(call))


async def _named(call: Call) -> Route:
    return await call.program[Routes].get(call.server, call.value("id"))


def _shown(call: Call, found: Route) -> MailRoute:
    return route_shown(found, call.program[Settings].route_domain)


def _position(found: Route) -> str:
    return f"{found.priority:04d} {found.number:012d}"


_READ: dict[str, Any] = {"scope": "routing:read"}
_WRITE: dict[str, Any] = {"scope": "routing:write"}
_ONE = "/routes/{id}"
ROUTES = (
    route("GET /routes", list_routes, RoutePage, query=PageQuery, **_READ),
    route(
        "POST /routes",
        create_route,
        MailRoute,
        status=201,
        body=RouteToMake,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_route, MailRoute, **_READ),
    route(f"PATCH {_ONE}", change_route, MailRoute, body=RouteToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_route, None, status=204, **_WRITE),
)
