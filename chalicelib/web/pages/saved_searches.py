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
    form, saved = page.form, await _saved(page)
    direction = form.text("direction") or None
    body: dict[str, Any] = {"name": form.text("name"), "q": form.text("q"), "direction": direction}
    if page.may("emails:write"):
        body["shared"] = form.has("shared")
    try:
        await page.ask("PATCH", f"/searches/{page.part('id')}", body=body)
    except Problem as problem:
        return page.again("saved_search.html", problem, **saved)
    shown = page.base + LISTS[direction or OUTGOING]
    return page.see_other(shown, f"Saved as “{body['name']}”", q=form.text("q"))


async def _saved(page: Page) -> dict[str, Any]:
    found = await page.ask("GET", "/searches", query={"limit": 100})
    for one in found["data"]:
        if one["id"] == page.values["id"]:
            if one["shared"] and not page.may("emails:write"):
                raise Refused("A shared search is changed by who may change mail")
            return {"saved": one, "lists": IN_LISTS}
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
