"""Pools and their sources with API v2 (api.md 2.20): by what mail leaves the installation.

Pools are made by deploying.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, ListAnswer, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.route import route
from chalicelib.api.v2.source_models import (
    Source,
    SourcePage,
    SourceQuery,
    SourcesQuery,
    SourceSuspension,
    SourceToChange,
    SourceToMake,
    source_told,
)
from chalicelib.domain.errors import Conflict, NotFound, Taken
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.ports.clock import Clock
from chalicelib.services.pools.assignment import Assignment, PoolAssignment
from chalicelib.services.pools.sources import Pool as KnownPool
from chalicelib.services.pools.sources import Sources
from chalicelib.services.tenancy.organizations import Organizations


class Pool(Answer):
    """A pool, the servers whose mail it takes, and its ways out."""

    name: str
    default: Annotated[bool, Field(description="What an organization has without a choice.")]
    organizations: Annotated[
        list[str] | None, Field(description="Those that alone may have it; null: every one.")
    ]
    has_queue: Annotated[bool, Field(description="Without a queue it takes no mail.")]
    servers: list[str]
    sources: list[Source]


class PoolToChange(Patch):
    """What may be chosen about a pool."""

    needed = frozenset({"default"})

    default: Annotated[
        Literal[True] | None, Field(description="Take the place of the default pool.")
    ] = None
    organizations: Annotated[
        list[Annotated[str, Field(max_length=50)]] | None,
        Field(
            max_length=1_000,
            description="They alone may have the pool, and have it; null: each may be given it.",
        ),
    ] = None


class PoolPage(ListAnswer):
    """Pools, by name."""

    data: list[Pool]


async def list_pools(call: Call, query: PageQuery) -> PoolPage:
    """List the pools, by name."""
    found = sorted(await call.program[Sources].pools(), key=lambda one: one.name)
    known = await _choices(call)
    told = await page(
        call, query, found, lambda one: one.name, lambda one: _pool(one, known), rising=True
    )
    return PoolPage(**told)


async def change_pool(call: Call, change: PoolToChange) -> Pool:
    """Say which pool is the default one, and which organizations may have a pool."""
    name, given = call.value("name"), change.given()
    assignment = call.program[PoolAssignment]
    if "organizations" in given:
        await assignment.limit(name, given["organizations"])
    if "default" in given:
        await assignment.set_default(name)
    found = next((one for one in await call.program[Sources].pools() if one.name == name), None)
    if found is None:
        raise NotFound("There is no such pool")
    return _pool(found, await _choices(call))


async def list_sources(call: Call, query: SourcesQuery) -> SourcePage:
    """List the sources, by pool and name."""
    sources = call.program[Sources]
    known = await (sources.all() if query.pool is None else sources.of(query.pool))
    found = sorted(known, key=_position)
    now = call.program[Clock].now()
    told = await page(call, query, found, _position, lambda one: source_told(one, now), rising=True)
    return SourcePage(**told)


async def create_source(call: Call, wanted: SourceToMake) -> Source:
    """Add a way out to a pool: mail takes it within half a minute."""
    given = wanted.model_dump()
    password = given.pop("password")
    try:
        return _told(call, await call.program[Sources].add(EgressSource(**given), password))
    except Conflict as taken:
        raise Taken("name", taken.public) from taken


async def show_source(call: Call, query: SourceQuery) -> Source:
    """Show a source."""
    return _told(call, await _named(call, query))


async def change_source(call: Call, change: SourceToChange, query: SourceQuery) -> Source:
    """Change a source."""
    source, given = await _named(call, query), change.given()
    if given:
        source = await call.program[Sources].update(source, given)
    return _told(call, source)


async def remove_source(call: Call, query: SourceQuery) -> None:
    """Remove a source: mail goes by the others of its pool. On one host a pool goes with its last source."""
    source = await _named(call, query)
    await call.program[PoolAssignment].check_goes(source)
    await call.program[Sources].remove(source)


async def suspend_source(call: Call, suspension: SourceSuspension, query: SourceQuery) -> Source:
    """Send nothing from a source for a time."""
    source = await _named(call, query)
    return _told(call, await call.program[Sources].suspend(source, suspension.seconds))


async def resume_source(call: Call, query: SourceQuery) -> Source:
    """End a source's suspension."""
    source = await _named(call, query)
    is_suspended = source.suspended_until or source.suspended_for
    return _told(call, await call.program[Sources].resume(source) if is_suspended else source)


def _told(call: Call, source: EgressSource) -> Source:
    return source_told(source, call.program[Clock].now())


async def _named(call: Call, query: SourceQuery) -> EgressSource:
    return await call.program[Sources].find(call.value("name"), query.pool)


def _position(source: EgressSource) -> str:
    return f"{source.pool} {source.name}"


@dataclass(frozen=True, slots=True)
class _Choices:
    """What was chosen about pools, what organizations are called, and which moment it is."""

    assignment: Assignment
    permalinks: dict[int, str]
    now: float


async def _choices(call: Call) -> _Choices:
    every = await call.program[Organizations].all()
    assignment = await call.program[PoolAssignment].read()
    permalinks: dict[int, str] = {one.id: one.permalink for one in every}
    return _Choices(assignment, permalinks, call.program[Clock].now())


def _pool(pool: KnownPool, known: _Choices) -> Pool:
    chosen = known.assignment.chosen.get(pool.name)
    ids = None if chosen is None else chosen.organizations
    names = None if ids is None else sorted(filter(None, map(known.permalinks.get, ids)))
    return Pool(
        name=pool.name,
        default=pool.name == known.assignment.default,
        organizations=names,
        has_queue=pool.has_queue,
        servers=list(pool.servers),
        sources=[source_told(one, known.now) for one in pool.sources],
    )


_READ: dict[str, Any] = {"tenant": "none", "scope": "installation:read"}
_WRITE: dict[str, Any] = {"tenant": "none", "scope": INSTALLATION_WRITE, "query": SourceQuery}
_ONE = "/sources/{name}"
ROUTES = (
    route("GET /pools", list_pools, PoolPage, query=PageQuery, **_READ),
    route(
        "PATCH /pools/{name}",
        change_pool,
        Pool,
        body=PoolToChange,
        tenant="none",
        scope=INSTALLATION_WRITE,
    ),
    route("GET /sources", list_sources, SourcePage, query=SourcesQuery, **_READ),
    route(
        "POST /sources",
        create_source,
        Source,
        status=201,
        body=SourceToMake,
        location=_ONE,
        tenant="none",
        scope=INSTALLATION_WRITE,
    ),
    route(f"GET {_ONE}", show_source, Source, query=SourceQuery, errors=frozenset({409}), **_READ),
    route(f"PATCH {_ONE}", change_source, Source, body=SourceToChange, **_WRITE),
    route(f"DELETE {_ONE}", remove_source, None, status=204, **_WRITE),
    route(f"POST {_ONE}/suspend", suspend_source, Source, body=SourceSuspension, **_WRITE),
    route(f"POST {_ONE}/resume", resume_source, Source, **_WRITE),
)
