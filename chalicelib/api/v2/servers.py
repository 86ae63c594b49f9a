"""Mail servers with API v2 (api.md 2.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from chalicelib.api.v2.admission import Call, in_tenant
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import ConfirmQuery
from chalicelib.api.v2.organizations import Suspension
from chalicelib.api.v2.problems import ConfirmationRequired
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.api.v2.server_models import (
    OF_OPERATORS,
    Server,
    ServerPage,
    ServerQuery,
    ServerToChange,
    ServerToMake,
    without_words,
)
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Taken, TooMany
from chalicelib.domain.tenancy import servers as tenancy
from chalicelib.domain.tenancy.rate_limits import lasting
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.ports.clock import Clock
from chalicelib.services.pools.assignment import PoolAssignment
from chalicelib.services.reputation.watch_rates import WatchRates
from chalicelib.services.suspensions import Suspensions
from chalicelib.services.tenancy.caller import Tenant
from chalicelib.services.tenancy.callers import Callers
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.rate_fields import changes_rates
from chalicelib.services.tenancy.removal import RemoveTenants
from chalicelib.services.tenancy.servers import ServerOptions, Servers

MOST_SERVERS = 500  # of an organization


async def list_servers(call: Call, query: ServerQuery) -> ServerPage:
    """List the servers that the key reaches, newest first."""
    known = await call.program[Organizations].all()
    owners = [
        one
        for one in known
        if call.caller.reaches_organization(one.id) and query.organization in (None, one.permalink)
    ]
    found = [
        server
        for owner in owners
        for server in await call.program[Servers].of(owner)
        if call.caller.reaches_server(server)
    ]
    newest = sorted(found, key=_position, reverse=True)
    return ServerPage(**await page(call, query, newest, _position, partial(_shown, call)))


async def create_server(call: Call, wanted: ServerToMake) -> Server:
    """Make a mail server."""
    _check_operator(call, wanted.model_fields_set)
    call.caller.require_whole_organization()
    try:
        owner = await call.program[Callers].organization(call.caller, wanted.organization)
    except NotFound as missing:
        detail = "there is no such organization"
        raise invalid_at("/organization", "unknown_reference", detail) from missing
    there = await in_tenant(call.program, call.caller, Tenant.of_all(owner), call.request)
    there.require("servers:write")
    there.require_whole_organization()
    given = without_words(
        wanted.model_dump(exclude={"organization", "name", "permalink", "suppression_days"})
    )
    if wanted.suppression_days is not None:
        given["suppression_days"] = wanted.suppression_days.over(tenancy.USUAL_DAYS)
    assignment, servers = call.program[PoolAssignment], call.program[Servers]
    if "pool" not in wanted.model_fields_set:
        given["pool"] = (await assignment.read()).first_of(owner)

    async def may_be() -> None:
        await _check_pool(call, owner.permalink, given["pool"])
        known = await servers.of(owner)
        if len(known) >= MOST_SERVERS:
            raise TooMany(f"An organization has at most {MOST_SERVERS} servers")
        _check_name(wanted.name, known)

    options = ServerOptions(**given)
    made = await servers.create(owner, wanted.name, wanted.permalink, options, may_be)
    return _shown(call, made)


async def show_server(call: Call) -> Server:
    """Show a mail server."""
    return _shown(call, await _named(call))


async def change_server(call: Call, change: ServerToChange) -> Server:
    """Change a mail server."""
    given: dict[str, Any] = without_words(change.given())
    _check_operator(call, given)
    if not given or given.keys() - OF_OPERATORS:
        call.caller.require("servers:write")
    server = await _named(call)
    if given:
        if given.get("pool", "") is None:
            owner = await call.program[Organizations].get(server.organization_permalink)
            given["pool"] = (await call.program[PoolAssignment].read()).first_of(owner)
        if "suppression_days" in given:
            days = change.suppression_days
            known_days = server.suppression_days
            given["suppression_days"] = days.over(known_days) if days else tenancy.USUAL_DAYS
        chosen = {field: one for field, one in given.items() if field != "name"}
        options, name = replace(ServerOptions.of(server), **chosen), given.get("name")
        server = await call.program[Servers].update(
            server, options, name, lambda: _check_change(call, server, given)
        )
    if changes_rates(given):
        server = await call.program[WatchRates].judged_anew(server)
    return _shown(call, server)


async def delete_server(call: Call, query: ConfirmQuery) -> None:
    """Delete a mail server: gone for all at once, its data within a day."""
    server = await _named(call)
    if query.confirm != server.permalink:
        raise ConfirmationRequired(server.permalink)
    await call.program[RemoveTenants].remove_server(server)


async def suspend_server(call: Call, suspension: Suspension) -> Server:
    """Hold all mail of a server."""
    suspensions = call.program[Suspensions]
    done = await suspensions.suspend_server(await _named(call), suspension.reason)
    return _shown(call, done)


async def unsuspend_server(call: Call) -> Server:
    """Lift a server's own suspension; its organization's stays."""
    server = await _named(call)
    if server.suspended_at is not None:
        server = await call.program[Servers].unsuspend(server)
    return _shown(call, server)


def _shown(call: Call, server: tenancy.Server) -> Server:
    """A server, with the days of the installation where it has none of its own, and the rates that hold mail now."""
    days = server.suppression_days.filled(call.program[Settings].suppression_days)
    holds = lasting(server.rate_holds, call.program[Clock].now())
    return Server.model_validate(replace(server, suppression_days=days, rate_holds=holds))


async def _named(call: Call) -> tenancy.Server:
    """The server that the path names, as it is at this moment."""
    known = call.server
    return await call.program[Servers].get(known.organization_permalink, known.permalink)


async def _check_change(call: Call, server: tenancy.Server, given: dict[str, Any]) -> None:
    owner = await call.program[Organizations].get(server.organization_permalink)
    if given.get("pool", server.pool) != server.pool:
        await _check_pool(call, owner.permalink, given["pool"])
    if "name" in given:
        others = await call.program[Servers].of(owner)
        _check_name(given["name"], [one for one in others if one.id != server.id])


async def _check_pool(call: Call, organization: str, pool: str) -> None:
    owner = await call.program[Organizations].get(organization)
    await call.program[PoolAssignment].check(owner, pool)


def _check_name(name: str, others: Sequence[tenancy.Server]) -> None:
    """People tell servers by their names, whatever their case."""
    if name.strip().casefold() in {one.name.casefold() for one in others}:
        raise Taken("name", "Another server of the organization has this name")


def _check_operator(call: Call, given: Any) -> None:
    if OF_OPERATORS.intersection(given):
        call.caller.require(INSTALLATION_WRITE)


def _position(server: tenancy.Server) -> str:
    return f"{server.id:010d}"


_ONE = "/servers/{organization}/{server}"
_OF_PATH: dict[str, Any] = {"tenant": "path"}
_OPERATOR: dict[str, Any] = {"tenant": "path", "scope": INSTALLATION_WRITE}
ROUTES = (
    route(
        "GET /servers",
        list_servers,
        ServerPage,
        query=ServerQuery,
        tenant="none",
        scope="servers:read",
    ),
    route(
        "POST /servers",
        create_server,
        Server,
        status=201,
        body=ServerToMake,
        tenant="none",
        scope="servers:write",
        location="/servers/{server}",
    ),
    route(f"GET {_ONE}", show_server, Server, scope="servers:read", **_OF_PATH),
    route(
        f"PATCH {_ONE}",
        change_server,
        Server,
        body=ServerToChange,
        scope="servers:write",
        operators_too=True,
        **_OF_PATH,
    ),
    route(
        f"DELETE {_ONE}",
        delete_server,
        None,
        status=204,
        query=ConfirmQuery,
        before=confirmed,
        scope="servers:write",
        **_OF_PATH,
    ),
    route(f"POST {_ONE}/suspend", suspend_server, Server, body=Suspension, **_OPERATOR),
    route(f"POST {_ONE}/unsuspend", unsuspend_server, Server, **_OPERATOR),
)
