"""Streams with API v2 (api.md 2.15): kinds of mail that recipients unsubscribe from one by one."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.rate_fields import (
    OF_RATES,
    BounceRateLimit,
    ComplaintRateLimit,
    RateLimitCount,
)
from chalicelib.api.v2.route import route
from chalicelib.domain.tenancy import streams as tenancy
from chalicelib.domain.tenancy.rate_limits import NO_RATE_LIMITS
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.streams import BUILT_IN, StreamType
from chalicelib.services.reputation.watch_rates import WatchRates
from chalicelib.services.tenancy.rate_fields import RatesOfStreams
from chalicelib.services.tenancy.streams import Streams, check_name

StreamName = Annotated[
    str, Field(min_length=1, max_length=40, examples=["news"]), checked(check_name)
]
_FIELDS = "Whether mail that does not say so itself gets one-click unsubscribe fields"


class Stream(Answer):
    """A kind of mail."""

    name: str
    type: StreamType
    unsubscribe: Annotated[bool, Field(description=f"{_FIELDS}.")]
    created_at: Annotated[Moment | None, Field(description="Null: every server has it.")]
    complaint_rate_limit: float | None
    bounce_rate_limit: float | None
    rate_limit_count: int | None


class StreamToMake(Body):
    """A new stream."""

    name: StreamName
    type: StreamType
    unsubscribe: Annotated[
        StrictBool | None,
        Field(description=f"{_FIELDS}; without it, that of a stream for broadcasts does."),
    ] = None


class StreamToChange(Patch):
    """What may be changed of it; limits of rates by operators alone."""

    unsubscribe: Annotated[
        StrictBool | None, Field(description=f"{_FIELDS}; null: as its type has it.")
    ] = None
    complaint_rate_limit: ComplaintRateLimit = None
    bounce_rate_limit: BounceRateLimit = None
    rate_limit_count: RateLimitCount = None


class StreamPage(ListAnswer):
    """Streams: those that every server has, then the others by name."""

    data: list[Stream]


async def list_streams(call: Call, query: PageQuery) -> StreamPage:
    """List the streams of the server: two that every server has, then the others by name."""
    found, server = await asyncio.gather(
        call.program[Streams].of(call.server.id), call.program[RatesOfStreams].of(call.server)
    )
    shown = partial(_shown, server)
    return StreamPage(**await page(call, query, found, _position, shown, rising=True))


async def create_stream(call: Call, wanted: StreamToMake) -> Stream:
    """Make a stream: mail may name it within 30 seconds everywhere."""
    streams = call.program[Streams]
    made = await streams.create(call.server.id, wanted.name, wanted.type, wanted.unsubscribe)
    return _shown(call.server, made)


async def show_stream(call: Call) -> Stream:
    """Show a stream."""
    server = await call.program[RatesOfStreams].of(call.server)
    return _shown(server, await call.program[Streams].get(server.id, call.value("name")))


async def change_stream(call: Call, change: StreamToChange) -> Stream:
    """Change a stream, for mail that comes from now on."""
    given, name = change.given(), call.value("name")
    if not OF_RATES.isdisjoint(given):
        call.caller.require(INSTALLATION_WRITE)
    if not given or "unsubscribe" in given:
        call.caller.require("suppressions:write")
    streams, rates = call.program[Streams], call.program[RatesOfStreams]
    server = await rates.of(call.server)
    found = await streams.get(server.id, name)
    if "unsubscribe" in given:
        wanted = given.pop("unsubscribe")
        if wanted is None:
            wanted = await streams.default_of(server.id, name)
        found = await streams.change(server.id, name, wanted)
    if given:
        server = await rates.change(server, name, given)
        await call.program[WatchRates].judged_anew(server)
    return _shown(server, found)


async def delete_stream(call: Call) -> None:
    """Delete a stream: mail that names it still goes out, new mail is refused. One that has limits of rates is
    deleted by operators alone."""
    name, streams, rates = call.value("name"), call.program[Streams], call.program[RatesOfStreams]
    server = await rates.of(call.server)
    found = await streams.get(server.id, name)
    if server.rates_of(found.name) != NO_RATE_LIMITS:  # what they hold would go out
        call.caller.require(INSTALLATION_WRITE)
    await streams.remove(server.id, name)
    await rates.forget(server, name)


def _position(stream: tenancy.Stream) -> str:
    is_own = stream.name not in BUILT_IN
    return f"1 {stream.name}" if is_own else f"0 {BUILT_IN.index(stream.name)}"


def _shown(server: Server, stream: tenancy.Stream) -> Stream:
    limits = server.rates_of(stream.name)
    return Stream(
        name=stream.name,
        type=stream.type,
        unsubscribe=stream.unsubscribe,
        created_at=stream.created_at or None,  # type: ignore[arg-type]  # epoch seconds are a moment
        complaint_rate_limit=limits.complaint,
        bounce_rate_limit=limits.bounce,
        rate_limit_count=limits.count,
    )


_READ: dict[str, Any] = {"scope": "suppressions:read"}
_WRITE: dict[str, Any] = {"scope": "suppressions:write"}
_ONE = "/streams/{name}"
ROUTES = (
    route("GET /streams", list_streams, StreamPage, query=PageQuery, **_READ),
    route(
        "POST /streams",
        create_stream,
        Stream,
        status=201,
        body=StreamToMake,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_stream, Stream, **_READ),
    route(
        f"PATCH {_ONE}", change_stream, Stream, body=StreamToChange, operators_too=True, **_WRITE
    ),
    route(f"DELETE {_ONE}", delete_stream, None, status=204, **_WRITE),
)
