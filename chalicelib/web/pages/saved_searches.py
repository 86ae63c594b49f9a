"""A saved search of a server's messages: its changes and its end. It is saved and found above the lists."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import NotFound, Refused
from chalicelib.web.asking import Problem
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.pages.messages import INCOMING, LISTS, OUTGOING
from chalicelib.web.row import of_server

IN_LISTS = (("", "both lists"), (OUTGOING, "outgoing"), (INCOMING, "incoming"))


async def show_search(page: Page) -> HttpAnswer:
    """A saved search, to be changed."""
    return page.render("saved_search.html", **await _saved(page))


async def change_search(page: Page) -> HttpAnswer:
    """Change a saved search."""
    form, found = page.form, await _saved(page)
    form.require("name", "q", "direction")
    direction = form.text("direction") or None
    body: dict[str, Any] = {"name": form.text("name"), "q": form.text("q"), "direction": direction}
    if found["may_share"]:
        body["shared"] = form.has("shared")
    try:
        await page.ask("PATCH", f"/searches/{page.part('id')}", body=body)
    except Problem as problem:
        return page.again("saved_search.html", problem, **found)
    shown = page.base + LISTS[direction or OUTGOING]
    return page.see_other(shown, f"“{form.text('name')}” is saved", q=form.text("q"))


async def _saved(page: Page) -> dict[str, Any]:
    """The search, and whether whoever looks may say who else sees it."""
    saved, may_change = await _found(page), page.may("emails:write")
    if saved["shared"] and not may_change:
        raise Refused("A shared search is changed by who may change mail")
    is_own = saved["created_by"] == page.visitor.here.key.name
    return {"saved": saved, "lists": IN_LISTS, "may_share": may_change and is_own}


async def _found(page: Page) -> dict[str, Any]:
    cursor: str | None = ""
    while cursor is not None:
        found = await page.ask("GET", "/searches", query={"limit": 100, "cursor": cursor})
        for one in found["data"]:
            if one["id"] == page.values["id"]:
                return dict(one)
        cursor = found["next_cursor"]
    raise NotFound("There is no such search")


async def forget_search(page: Page) -> HttpAnswer:
    """Remove a saved search."""
    await page.ask("DELETE", f"/searches/{page.part('id')}")
    return page.see_other(page.base + LISTS[OUTGOING], Flash("The search was removed"))


ROWS = (
    of_server("GET", "/messages/searches/{id}", show_search, "emails:read", "listSearches"),
    of_server("POST", "/messages/searches/{id}", change_search, "emails:read", "changeSearch"),
    of_server(
        "POST", "/messages/searches/{id}/remove", forget_search, "emails:read", "deleteSearch"
    ),
)
