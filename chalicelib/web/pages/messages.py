"""Messages of a server: the two lists with their search, and what is asked for from there (docs/dashboard.md).

What a search means, and what is wrong with one, the API says; the page shows its terms as chips.
"""

from __future__ import annotations

from datetime import UTC
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.page import Page
from chalicelib.web.query_terms import has_key, terms_of, with_term, without
from chalicelib.web.rendering import zone_of
from chalicelib.web.row import of_server

PAGE = 30
_EXACT = ("id", "token", "msgid", "spam", "to")
OUTGOING, INCOMING = "outgoing", "incoming"
LISTS = {OUTGOING: "/messages/outgoing", INCOMING: "/messages/incoming"}
_CHIPS = {
    OUTGOING: (
        ("Waiting", "status:queued"),
        ("Delayed", "status:softfail"),
        ("Failed", "status:hardfail"),
        ("Bounced", "status:bounced"),
        ("Held", "status:held"),
        ("Scheduled", "status:scheduled"),
        ("Opened", "opened:yes"),
        ("Clicked", "clicked:yes"),
    ),
    INCOMING: (
        ("Waiting", "status:queued"),
        ("Delayed", "status:softfail"),
        ("Failed", "status:hardfail"),
        ("Held", "status:held"),
        ("Spam", "spam:yes"),
        ("Bounces", "bounce:yes"),
    ),
}


async def show_outgoing(page: Page) -> HttpAnswer:
    """What was sent."""
    return await show_list(page, OUTGOING)


async def show_incoming(page: Page) -> HttpAnswer:
    """What came in."""
    return await show_list(page, INCOMING)


async def to_outgoing(page: Page) -> HttpAnswer:
    """The list that most look for."""
    return page.see_other(page.base + LISTS[OUTGOING], **_kept(page))


async def show_list(page: Page, direction: str) -> HttpAnswer:
    """One list: what matches, newest first, and the terms of the search."""
    query, cursor = page.query("q"), page.query("cursor")
    hides_spam = direction == INCOMING and not has_key(query, *_EXACT)
    asked = {
        "q": with_term(query, "spam:no") if hides_spam else query,
        "direction": direction,
        "limit": PAGE,
        "cursor": cursor,
    }
    searches = await page.ask_or(None, "GET", "/searches", query={"limit": 100})
    values = _of_search(page, direction, query)
    values |= {"searches": _of(searches, direction), "meant": asked["q"]}
    try:
        found = await page.ask("GET", "/emails", query=asked)
    except Problem as problem:
        if "cursor" in problem.errors:
            return page.see_other(page.base + LISTS[direction], q=query)
        if "q" not in problem.errors:
            raise
        return page.again("messages.html", problem, found=None, hidden_spam=False, **values)
    hidden = hides_spam and not cursor and await _has_spam(page, query)
    return page.render("messages.html", found=found, hidden_spam=hidden, **values)


def _of_search(page: Page, direction: str, query: str) -> dict[str, Any]:
    terms = terms_of(query)
    written = {one.text.lower() for one in terms}
    offered = (("Today", f"after:{midnight(page)}"), *_CHIPS[direction])
    return {
        "direction": direction,
        "shown": page.base + LISTS[direction],
        "other": page.base + LISTS[INCOMING if direction == OUTGOING else OUTGOING],
        "q": query,
        "cursor": page.query("cursor"),
        "is_behind": bool(query) and not has_key(query, "id", "token", "to", "msgid"),
        "all_chosen": page.query("all") == "1",
        "terms": [(one, without(query, one)) for one in terms],
        "chips": [
            (word, with_term(query, text)) for word, text in offered if text.lower() not in written
        ],
    }


def midnight(page: Page) -> str:
    """When today began for whoever looks, as a search has it (the API's own `today` begins in UTC)."""
    there = page.now.astimezone(zone_of(page.zone))
    begun = there.replace(hour=0, minute=0, second=0, microsecond=0)
    return begun.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _of(searches: Any, direction: str) -> list[dict[str, Any]]:
    """The saved searches of a list."""
    found = [] if searches is None else searches["data"]
    return [one for one in found if one.get("direction") in (None, "", direction)]


async def _has_spam(page: Page, query: str) -> bool:
    asked = {"q": with_term(query, "spam:yes"), "direction": INCOMING, "limit": 1}
    found = await page.ask_or(None, "GET", "/emails", query=asked)
    return bool(found and found["data"])


async def save_search(page: Page) -> HttpAnswer:
    """Keep a search under a name."""
    form = page.form
    direction = form.text("direction") if form.text("direction") in LISTS else OUTGOING
    body = {
        "name": form.text("name"),
        "q": form.text("q"),
        "direction": direction,
        "shared": form.has("shared"),
    }
    try:
        await page.ask("POST", "/searches", body=body)
    except Problem as problem:
        if problem.status in (404, 403):
            raise
        values = _of_search(page, direction, form.text("q")) | {"searches": [], "meant": ""}
        return page.again("messages.html", problem, found=None, hidden_spam=False, **values)
    flash = f"Saved as “{body['name']}”"
    return page.see_other(page.base + LISTS[direction], flash, q=str(body["q"]))


async def export_messages(page: Page) -> HttpAnswer:
    """A file of everything that matches, made by a job."""
    form = page.form
    wanted = {"direction": form.text("direction"), "q": form.text("q")}
    body = {
        "type": "export",
        "what": "emails",
        "format": form.text("format"),
        "filter": {name: one for name, one in wanted.items() if one},
    }
    job = await page.ask("POST", "/jobs", body=body, key=form.text("key"))
    return page.see_other(f"{page.base}/operations/{job['id']}")


def _kept(page: Page) -> dict[str, str]:
    return {"q": page.query("q")} if page.query("q") else {}


ROWS = (
    of_server("GET", "/messages", to_outgoing, "emails:read"),
    of_server("GET", "/messages/outgoing", show_outgoing, "emails:read", "listEmails"),
    of_server("GET", "/messages/incoming", show_incoming, "emails:read", "listEmails"),
    of_server("POST", "/messages/export", export_messages, "emails:read", "startJob"),
    of_server("POST", "/messages/searches", save_search, "emails:read", "createSearch"),
)
