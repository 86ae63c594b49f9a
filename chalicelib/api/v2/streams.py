"""Streams with API v2 (api.md 2.15): kinds of mail that recipients unsubscribe from one by one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.route import route
from chalicelib.domain.tenancy import streams as tenancy
from chalicelib.domain.tenancy.streams import BUILT_IN, StreamType
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


class StreamToMake(Body):
    """A new stream."""

    name: StreamName
    type: StreamType
    unsubscribe: Annotated[
        StrictBool | None,
        Field(description=f"{_FIELDS}; without it, that of a stream for broadcasts does."),
    ] = None


class StreamToChange(Patch):
    """What may be changed of it."""

    unsubscribe: Annotated[
        StrictBool | None, Field(description=f"{_FIELDS}; null: as its type has it.")
    ] = None


class StreamPage(ListAnswer):
    """Streams: those that every server has, then the others by name."""

    data: list[Stream]


async def list_streams(call: Call, query: PageQuery) -> StreamPage:
    """List the streams of the server: two that every server has, then the others by name."""
    found = await call.program[Streams].of(call.server.id)
    return StreamPage(**await page(call, query, found, _position, _shown, rising=True))


async def create_stream(call: Call, wanted: StreamToMake) -> Stream:
    """Make a stream: mail may name it within 30 seconds everywhere."""
    streams = call.program[Streams]
    made = await streams.create(call.server.id, wanted.name, wanted.type, wanted.unsubscribe)
    return _shown(made)


async def show_stream(call: Call) -> Stream:
    """Show a stream."""
    return _shown(await call.program[Streams].get(call.server.id, call.value("name")))


async def change_stream(call: Call, change: StreamToChange) -> Stream:
    """Change a stream, for mail that comes from now on."""
    streams, server, name = call.program[Streams], call.server.id, call.value("name")
    found, given = await streams.get(server, name), change.given()
    if "unsubscribe" in given:
        wanted = given["unsubscribe"]
        if wanted is None:
            wanted = await streams.default_of(server, name)
        found = await streams.change(server, name, wanted)
    return _shown(found)


async def delete_stream(call: Call) -> None:
    """Delete a stream: mail that names it still goes out, new mail is refused."""
    await call.program[Streams].remove(call.server.id, call.value("name"))


def _position(stream: tenancy.Stream) -> str:
    is_own = stream.name not in BUILT_IN
    return f"1 {stream.name}" if is_own else f"0 {BUILT_IN.index(stream.name)}"


def _shown(stream: tenancy.Stream) -> Stream:
    return Stream(
        name=stream.name,
        type=stream.type,
        unsubscribe=stream.unsubscribe,
        created_at=stream.created_at or None,  # type: ignore[arg-type]  # epoch seconds are a moment
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
    route(f"PATCH {_ONE}", change_stream, Stream, body=StreamToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_stream, None, status=204, **_WRITE),
)
