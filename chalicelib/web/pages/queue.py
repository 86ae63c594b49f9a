"""What waits, and what is held: how many, for which reason and which receiver, and what may be done with all of it."""

from __future__ import annotations

from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.charts import share
from chalicelib.web.page import Page
from chalicelib.web.query_terms import quoted, terms_of, with_term, without
from chalicelib.web.reasons import group_title, waiting_reason
from chalicelib.web.row import of_server

PAGE = 30
MOST_GROUPS = 12
COUNTED_TO = 10_000
_KINDS = ("queued", "scheduled")
_CHIPS = (
    ("Tried more than 3 times", "tries:>3"),
    ("Older than 2 hours", "age:>2h"),
    ("Older than a day", "age:>24h"),
)


async def show_queue(page: Page) -> HttpAnswer:
    """What waits for an attempt, or for its time."""
    kind = page.query("status") if page.query("status") in _KINDS else "queued"
    by_reason, by_domain = await page.ask_all(
        ("GET", "/queue", {"by": "reason", "status": kind}),
        ("GET", "/queue", {"by": "domain", "status": kind}),
    )
    groups = None if by_reason is None else by_reason["data"]
    values = {
        "kind": kind,
        "reasons": _groups(page, groups, "reason", "wait"),
        "domains": _groups(page, by_domain and by_domain["data"], "domain", "domain"),
        "waiting": None if groups is None else sum(one["waiting"] for one in groups),
        "oldest": min((one["oldest_at"] for one in groups or () if one["oldest_at"]), default=None),
        "chips": [(word, with_term(page.query("q"), text)) for word, text in _CHIPS],
    }
    return await _with_list(page, "queue.html", "/queue", kind, values)


async def show_held(page: Page) -> HttpAnswer:
    """What waits for a person."""
    found = await page.ask_or(None, "GET", "/queue", query={"by": "reason", "status": "held"})
    groups = None if found is None else found["data"]
    values = {
        "kind": "held",
        "groups": _groups(page, groups, "reason", "wait"),
        "waiting": None if groups is None else sum(one["waiting"] for one in groups),
        "reason_of": waiting_reason,
    }
    return await _with_list(page, "held.html", "/held", "held", values)


async def _with_list(
    page: Page, template: str, path: str, kind: str, values: dict[str, Any]
) -> HttpAnswer:
    """The page with the list of what the search and the direction leave."""
    query, cursor = page.query("q"), page.query("cursor")
    direction = "incoming" if page.query("direction") == "incoming" else "outgoing"
    values |= {
        "q": query,
        "cursor": cursor,
        "direction": direction,
        "shown": page.base + path,
        "terms": [(one, without(query, one)) for one in terms_of(query)],
        "all_chosen": page.query("all") == "1",
        "counted_to": COUNTED_TO,
    }
    asked = {"q": query, "status": kind, "direction": direction, "limit": PAGE, "cursor": cursor}
    try:
        found = await page.ask("GET", "/emails", query=asked)
    except Problem as problem:
        if "cursor" in problem.errors:
            return page.see_other(page.base + path, q=query)
        if "q" not in problem.errors:
            raise
        return page.again(template, problem, found=None, last=None, **values)
    last = None
    if not found["data"] and not query and kind == "queued":
        newest = {"q": "status:sent", "limit": 1}
        sent = await page.ask_or(None, "GET", "/emails", query=newest)
        last = sent["data"][0] if sent and sent["data"] else None
    return page.render(template, found=found, last=last, **values)


def _groups(
    page: Page, groups: list[dict[str, Any]] | None, name: str, key: str
) -> list[dict[str, Any]] | None:
    """The fullest groups, each with its title, the search that narrows the list to it, and its share of the largest."""
    if groups is None:
        return None
    largest = max((one["waiting"] for one in groups), default=1) or 1
    return [
        one
        | {
            "title": group_title(one[name]) if name == "reason" else one[name],
            "q": with_term(page.query("q"), f"{key}:{quoted(one[name])}"),
            "only": f"{key}:{quoted(one[name])}",
            "bar": share(one["waiting"] / largest),
        }
        for one in groups[:MOST_GROUPS]
    ]


ROWS = (
    of_server("GET", "/queue", show_queue, "emails:read", "showQueue", "listEmails"),
    of_server("GET", "/held", show_held, "emails:read", "showQueue", "listEmails"),
)
