"""Routes of mail with API v2 (api.md 2.9): which mail for the customers' domains goes where."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import mailbox_of, recipient_of
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.models import AcceptedEmail
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.api.v2.route_models import (
    MailRoute,
    MailToMatch,
    MailToSimulate,
    Matched,
    RoutePage,
    RouteToChange,
    RouteToMake,
    Step,
    route_given,
    route_shown,
)
from chalicelib.api.v2.sending import accepted_email
from chalicelib.config import Settings
from chalicelib.domain.incoming.checks import outcome_of_score
from chalicelib.domain.incoming.routing import Described
from chalicelib.domain.mail.compose import read_mailbox
from chalicelib.domain.tenancy.routes import Route, SpamMode
from chalicelib.services.incoming.match import MatchRoutes
from chalicelib.services.incoming.routes import Routes
from chalicelib.services.incoming.simulate import SimulatedMail, SimulateIncoming, whole_message


async def list_routes(call: Call, query: PageQuery) -> RoutePage:
    """List the routes of the server, by priority, then age."""
    found = await call.program[Routes].of(call.server)
    told = await page(call, query, found, _position, lambda one: _shown(call, one), rising=True)
    return RoutePage(**told)


async def create_route(call: Call, wanted: RouteToMake) -> MailRoute:
    """Make a route: it takes mail within 30 seconds everywhere."""
    call.caller.require_content()
    routes = call.program[Routes]
    made = await routes.create(call.server, route_given(wanted), call.caller.reaches_server)
    return _shown(call, made)


async def show_route(call: Call) -> MailRoute:
    """Show a route."""
    return _shown(call, await _named(call))


async def change_route(call: Call, change: RouteToChange) -> MailRoute:
    """Change a route."""
    found, given = await _named(call), route_given(change)
    call.caller.require_content()
    if given:
        reaches = call.caller.reaches_server
        found = await call.program[Routes].change(call.server, found, given, reaches)
    return _shown(call, found)


async def delete_route(call: Call) -> None:
    """Delete a route: mail for it is refused, within 30 seconds everywhere."""
    await call.program[Routes].remove(await _named(call))


async def match_routes(call: Call, wanted: MailToMatch) -> Matched:
    """Say which route would take a message, and what its sender would be told."""
    sender = read_mailbox(wanted.mail_from)
    described = Described(
        wanted.mail_from.strip() if sender is None else sender.address,
        wanted.subject,
        tuple(wanted.headers.items()),
    )
    to = recipient_of(wanted.to)
    found = await call.program[MatchRoutes].match(call.server, to, described)
    return Matched(
        route=None if found.route is None else _shown(call, found.route),
        reply=str(found.reply),
        spam=_spam(call, wanted.spam_score, found.route),
        steps=[Step(route=one.route.id, result=one.result) for one in found.looks],
    )


def _spam(call: Call, score: float | None, route: Route | None) -> SpamMode | None:
    if score is None or route is None:
        return None
    return outcome_of_score(score, call.server, route)


async def simulate_route(call: Call, wanted: MailToSimulate) -> AcceptedEmail:
    """Have a message come in by a route, with a small attachment, as if somebody had sent it."""
    if wanted.raw is not None and wanted.model_fields_set & {"subject", "text"}:
        raise invalid_at("/raw", "invalid", "stands in place of subject and text")
    author = mailbox_of(wanted.author, any_name=True)
    client = call.request.client_address
    raw = None if wanted.raw is None else whole_message(wanted.raw)
    mail = SimulatedMail(author, wanted.subject, wanted.text, client, raw)
    simulate = call.program[SimulateIncoming].simulate
    return accepted_email(await simulate(call.server, await _named(call), mail))


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
    route("POST /routes/match", match_routes, Matched, body=MailToMatch, **_READ),
    route(f"GET {_ONE}", show_route, MailRoute, **_READ),
    route(f"PATCH {_ONE}", change_route, MailRoute, body=RouteToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_route, None, status=204, **_WRITE),
    route(
        f"POST {_ONE}/simulate",
        simulate_route,
        AcceptedEmail,
        status=202,
        body=MailToSimulate,
        scope="emails:send",
        rate="test",
        takes_large_bodies=True,
    ),
)
