"""The search of every page: one result page, for a server or for everything that somebody reaches.

What is recognised at once leads there: a number or token to its message, terms with keys to the list of messages.
"""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.page import Page
from chalicelib.web.row import Row, of_server
from chalicelib.web.sought import Sought, sought

SHOWN = 5
MOST_LISTED = 100
OPERATES = "installation:read"


async def search_server(page: Page) -> HttpAnswer:
    """What a server has of it."""
    asked = sought(page.query("q"))
    if asked.kind == "query":
        return page.see_other(f"{page.base}/messages/outgoing", q=asked.q)
    if asked.kind == "message" and (found := await _message(page, asked)) is not None:
        return page.see_other(f"{page.base}/messages/{found['id']}")
    if not asked.text:
        return page.render("search.html", asked=asked, results=None)
    outgoing, incoming, suppression, domain, routes, people = await asyncio.gather(
        _mail(page, asked, "outgoing"),
        _mail(page, asked, "incoming"),
        _named(page, asked, "address", "/suppressions/"),
        _named(page, asked, "domain", "/domains/"),
        _routes(page, asked),
        _members(page, asked),
    )
    results = {
        "outgoing": outgoing,
        "incoming": incoming,
        "suppression": suppression,
        "domain": domain,
        "routes": routes,
        "people": people,
    }
    return page.render("search.html", asked=asked, results=results)


async def _message(page: Page, asked: Sought) -> Any:
    try:
        return await page.ask("GET", f"/emails/{quote(asked.text, safe='')}")
    except Problem as problem:
        if problem.status != 404:
            raise
        return None


async def _mail(page: Page, asked: Sought, direction: str) -> list[Any] | None:
    """The newest messages that match; None where the search cannot be made of it."""
    query = {"q": asked.q, "direction": direction, "limit": SHOWN}
    found = await page.ask_or(None, "GET", "/emails", query=query)
    return None if found is None else found["data"]


async def _named(page: Page, asked: Sought, kind: str, path: str) -> Any:
    """The thing of this name, if it is one of this kind and is there."""
    if asked.kind != kind:
        return None
    return await page.ask_or(None, "GET", path + quote(asked.text, safe=""))


async def _routes(page: Page, asked: Sought) -> list[Any]:
    """Routes that have the address, or the domain."""
    if asked.kind not in ("address", "domain"):
        return []
    found = await page.ask_or({"data": []}, "GET", "/routes", query={"limit": MOST_LISTED})
    name = "address" if asked.kind == "address" else "domain"
    return [one for one in found["data"] if one[name] == asked.text][:SHOWN]


async def _members(page: Page, asked: Sought) -> list[Any]:
    """Members of the organization whose address or name has it."""
    if asked.kind not in ("address", "words"):
        return []
    found = await page.ask_or({"data": []}, "GET", "/members", query={"limit": MOST_LISTED})
    text = asked.text.lower()
    return [one for one in found["data"] if text in f"{one['email']} {one['name']}".lower()][:SHOWN]


async def search_everything(page: Page) -> HttpAnswer:
    """Organizations and servers of the name, and the servers in which mail can be looked for; for operators also users
    and addresses of ways out."""
    asked = sought(page.query("q"))
    text = asked.text.lower()
    organizations, servers, users, sources = await asyncio.gather(
        page.ask_or(None, "GET", "/organizations", query={"limit": MOST_LISTED}),
        page.ask_or(None, "GET", "/servers", query={"limit": MOST_LISTED}),
        _users(page, text),
        _sources(page, text),
    )
    return page.render(
        "search_everything.html",
        asked=asked,
        organizations=_like(organizations, text),
        servers=_like(servers, text),
        users=users,
        sources=sources,
        every_server=(servers or {"data": []})["data"],
    )


async def _users(page: Page, text: str) -> list[Any]:
    if not text or not page.may(OPERATES):
        return []
    found = await page.ask_or({"data": []}, "GET", "/users", query={"q": text, "limit": SHOWN})
    return list(found["data"])


async def _sources(page: Page, text: str) -> list[Any]:
    """Ways out that have the address, or are called so."""
    if not text or not page.may(OPERATES):
        return []
    found = await page.ask_or({"data": []}, "GET", "/sources", query={"limit": MOST_LISTED})
    names = ("name", "address", "address6", "host")
    return [one for one in found["data"] if any(text in (one[name] or "") for name in names)][
        :SHOWN
    ]


def _like(found: Any, text: str) -> list[Any]:
    if found is None or not text:
        return []
    return [
        one for one in found["data"] if text in one["name"].lower() or text in one["permalink"]
    ][:SHOWN]


ROWS = (
    of_server(
        "GET", "/search", search_server, "emails:read", "listEmails", "showEmail", "listMembers"
    ),
    Row(
        "GET",
        "/search",
        search_everything,
        api=("listOrganizations", "listServers", "listUsers", "listSources"),
    ),
)
