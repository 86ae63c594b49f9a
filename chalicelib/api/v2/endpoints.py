"""Endpoints with API v2 (api.md 2.8): where routes send mail."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.endpoint_models import (
    Endpoint,
    EndpointPage,
    EndpointToChange,
    EndpointToMake,
    EndpointWithSecret,
    TestedEndpoint,
    endpoint_shown,
)
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.route import route
from chalicelib.domain.tenancy import endpoints as tenancy
from chalicelib.domain.tenancy.routes import Route
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.incoming.routes import Routes
from chalicelib.services.incoming.try_endpoint import TryEndpoint

LONGEST_RESPONSE = 1_024


async def list_endpoints(call: Call, query: PageQuery) -> EndpointPage:
    """List the endpoints of the server, newest first."""
    found = await call.program[Endpoints].of(call.server)
    routes = await call.program[Routes].of(call.server)

    def shown(one: tenancy.Endpoint) -> Endpoint:
        return Endpoint(**endpoint_shown(one, _ids(routes, one)))

    return EndpointPage(**await page(call, query, found, _position, shown))


async def create_endpoint(call: Call, wanted: EndpointToMake) -> EndpointWithSecret:
    """Make an endpoint. The secret of an HTTP one is in this answer alone."""
    call.caller.require_content()
    given = {name: getattr(wanted, name) for name in wanted.model_fields_set - {"type"}}
    made, secret = await call.program[Endpoints].create(call.server, wanted.type, given)
    return EndpointWithSecret(**endpoint_shown(made, []), secret=secret)


async def show_endpoint(call: Call) -> Endpoint:
    """Show an endpoint."""
    return await _shown(call, await _named(call))


async def change_endpoint(call: Call, change: EndpointToChange) -> Endpoint:
    """Change an endpoint; its type stays."""
    endpoint, given = await _named(call), change.given()
    call.caller.require_content()
    if given:
        endpoint = await call.program[Endpoints].change(endpoint, given)
    return await _shown(call, endpoint)


async def delete_endpoint(call: Call) -> None:
    """Delete an endpoint. Routes that send to it reject; as an additional one it is left out."""
    await call.program[Endpoints].remove(await _named(call))


async def enable_endpoint(call: Call) -> Endpoint:
    """Have routes send to an endpoint again."""
    return await _shown(call, await call.program[Endpoints].enable(await _named(call)))


async def rotate_endpoint(call: Call) -> EndpointWithSecret:
    """Give an HTTP endpoint a new secret; the old one signs for 24 hours more."""
    endpoint, secret = await call.program[Endpoints].rotate(await _named(call))
    routes = await call.program[Endpoints].routes_with(endpoint)
    return EndpointWithSecret(**endpoint_shown(endpoint, _ids(routes, endpoint)), secret=secret)


async def test_endpoint(call: Call) -> TestedEndpoint:
    """Post a sample to an HTTP endpoint now, and show what it answers within 20 seconds."""
    answer = await call.program[TryEndpoint].send(call.server, await _named(call))
    return TestedEndpoint(
        code=answer.code,
        seconds=round(answer.seconds, 3),
        response=answer.body.decode("utf-8", "replace")[:LONGEST_RESPONSE],
        error=answer.error,
    )


async def _named(call: Call) -> tenancy.Endpoint:
    return await call.program[Endpoints].get(call.server, call.value("id"))


async def _shown(call: Call, endpoint: tenancy.Endpoint) -> Endpoint:
    routes = await call.program[Endpoints].routes_with(endpoint)
    return Endpoint(**endpoint_shown(endpoint, _ids(routes, endpoint)))


def _ids(routes: Iterable[Route], endpoint: tenancy.Endpoint) -> list[str]:
    return [one.id for one in routes if endpoint.id in one.endpoints]


def _position(endpoint: tenancy.Endpoint) -> str:
    return f"{endpoint.created_at:012d} {endpoint.id}"


_READ: dict[str, Any] = {"scope": "routing:read"}
_WRITE: dict[str, Any] = {"scope": "routing:write"}
_ONE = "/endpoints/{id}"
ROUTES = (
    route("GET /endpoints", list_endpoints, EndpointPage, query=PageQuery, **_READ),
    route(
        "POST /endpoints",
        create_endpoint,
        EndpointWithSecret,
        status=201,
        body=EndpointToMake,
        location=_ONE,
        shows_secret=True,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_endpoint, Endpoint, **_READ),
    route(f"PATCH {_ONE}", change_endpoint, Endpoint, body=EndpointToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_endpoint, None, status=204, **_WRITE),
    route(f"POST {_ONE}/enable", enable_endpoint, Endpoint, **_WRITE),
    route(f"POST {_ONE}/test", test_endpoint, TestedEndpoint, rate="test", **_WRITE),
    route(f"POST {_ONE}/rotate", rotate_endpoint, EndpointWithSecret, shows_secret=True, **_WRITE),
)
