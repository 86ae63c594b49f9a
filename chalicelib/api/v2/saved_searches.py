"""Saved searches with API v2 (api.md 2.3): one's own, and the shared ones."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Refused
from chalicelib.domain.model import Scope
from chalicelib.domain.people import searches as people
from chalicelib.domain.search.parse import LONGEST_QUERY, parse_query
from chalicelib.ports.clock import Clock
from chalicelib.services.people.saved_searches import SavedSearches

Text = Annotated[str, Field(max_length=LONGEST_QUERY)]
Shared = Annotated[
    StrictBool, Field(description="With all who read the server's mail; takes `emails:write`.")
]
WRITE = "emails:write"


class SavedSearch(Answer):
    """A search of a server's mail under a name."""

    id: str
    name: str
    q: str
    direction: Scope | None
    shared: bool
    created_by: str
    created_at: Moment


class SavedSearchToMake(Body):
    """A new one."""

    name: Name
    q: Text = ""
    direction: Annotated[Scope | None, Field(description="Null: both.")] = None
    shared: Shared = False


class SavedSearchToChange(Patch):
    """What may be changed of it."""

    needed = frozenset({"name"})

    name: Name | None = None
    q: Text = ""
    direction: Annotated[Scope | None, Field(description="Null: both.")] = None
    shared: Shared = False


class SavedSearchPage(ListAnswer):
    """Saved searches, newest first."""

    data: list[SavedSearch]


async def list_searches(call: Call, query: PageQuery) -> SavedSearchPage:
    """List the saved searches of the server, newest first: one's own and the shared ones."""
    found = await call.program[SavedSearches].of(call.server.id, call.caller)
    return SavedSearchPage(**await page(call, query, found, _position, _shown))


async def create_search(call: Call, wanted: SavedSearchToMake) -> SavedSearch:
    """Save a search. A key saves only what is shared."""
    if call.caller.person is None and not wanted.shared:
        raise Refused("A key saves only searches that are shared")
    parse_query(wanted.q, call.program[Clock].now())
    made = await call.program[SavedSearches].create(
        call.server.id,
        call.caller,
        wanted.name.strip(),
        wanted.q,
        _direction(wanted.direction),
        shared=wanted.shared,
    )
    return _shown(made)


async def change_search(call: Call, change: SavedSearchToChange) -> SavedSearch:
    """Change a saved search."""
    given = change.given()
    found = await _to_change(call)
    if "q" in given:
        parse_query(given["q"], call.program[Clock].now())
    if "direction" in given:
        given["direction"] = _direction(given["direction"])
    if "name" in given:
        given["name"] = given["name"].strip()
    if given.get("shared") is False:
        if call.caller.person is None:
            raise Refused("A key keeps only searches that are shared")
        if found.maker != call.caller.key.id:  # nobody would see it any more
            raise Refused("Only who saved a search keeps it for themselves")
    if given:
        found = await call.program[SavedSearches].change(found, **given)
    return _shown(found)


async def delete_search(call: Call) -> None:
    """Delete a saved search."""
    await call.program[SavedSearches].remove(await _to_change(call))


async def _before_making(call: Call, wanted: SavedSearchToMake) -> None:
    if wanted.shared:
        call.caller.require(WRITE)


async def _before_changing(call: Call, change: SavedSearchToChange) -> None:
    if change.given().get("shared"):
        call.caller.require(WRITE)


async def _to_change(call: Call) -> people.SavedSearch:
    """The one that the path names. ScopeMissing for a shared one without the right to share."""
    found = await call.program[SavedSearches].get(call.server.id, call.value("id"), call.caller)
    if found.shared:
        call.caller.require(WRITE)
    return found


def _direction(wanted: Scope | None) -> str:
    return "" if wanted is None else wanted.value


def _shown(search: people.SavedSearch) -> SavedSearch:
    return SavedSearch.model_validate(
        {
            "id": search.id,
            "name": search.name,
            "q": search.q,
            "direction": search.direction or None,
            "shared": search.shared,
            "created_by": search.created_by,
            "created_at": search.created_at,
        }
    )


def _position(search: people.SavedSearch) -> str:
    return f"{search.created_at:012d} {search.id}"


_READ: dict[str, Any] = {"scope": "emails:read"}
_ONE = "/searches/{id}"
ROUTES = (
    route("GET /searches", list_searches, SavedSearchPage, query=PageQuery, **_READ),
    route(
        "POST /searches",
        create_search,
        SavedSearch,
        status=201,
        body=SavedSearchToMake,
        before=_before_making,
        location=_ONE,
        **_READ,
    ),
    route(
        f"PATCH {_ONE}",
        change_search,
        SavedSearch,
        body=SavedSearchToChange,
        before=_before_changing,
        **_READ,
    ),
    route(f"DELETE {_ONE}", delete_search, None, status=204, **_READ),
)
