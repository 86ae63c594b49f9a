"""What happens at a server as it happens: its events, newest on top, asked for again and again with a cursor."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.occurrence import EventType
from chalicelib.web import answers
from chalicelib.web.asking import Problem
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

EVERY = 2  # seconds
BACK = timedelta(minutes=5)
LIMIT = 100
MOST_PAGES = 3
MOST_ROWS = 80
TYPES = tuple(one.value for one in EventType)


async def show_tail(page: Page) -> HttpAnswer:
    """What happened in the last minutes, and what happens from now on."""
    since = (page.now - BACK).isoformat()
    events, cursor = await _read(page, {"since": since})
    return page.render(
        "tail.html",
        **_of(page, events, cursor),
        types=TYPES,
        paused=page.query("paused") == "1",
    )


async def show_rows(page: Page) -> HttpAnswer:
    """Only what came since; nothing is told as nothing."""
    try:
        events, cursor = await _read(page, {"cursor": page.query("cursor")})
    except Problem as problem:
        if "cursor" not in problem.errors:
            raise
        events, cursor = await _read(page, {"since": page.now.isoformat()})
    if not events and cursor == page.query("cursor"):
        return answers.nothing_new()
    return page.render("tail_rows.html", **_of(page, events, cursor))


def _of(page: Page, events: list[Any], cursor: str) -> dict[str, Any]:
    return {
        "events": events[::-1][:MOST_ROWS],
        "cursor": cursor,
        "kind": _kind(page),
        "every": EVERY,
        "newest": events[-1]["timestamp"] if events else None,
    }


async def _read(page: Page, begin: dict[str, Any]) -> tuple[list[Any], str]:
    """Events from there on, oldest first, and where later ones follow."""
    events: list[Any] = []
    asked: dict[str, Any] = {"limit": LIMIT, "type": _kind(page), **begin}
    for _ in range(MOST_PAGES):
        found = await page.ask("GET", "/events", query=asked)
        events += found["data"]
        asked = {"limit": LIMIT, "type": _kind(page), "cursor": found["next_cursor"]}
        if not found["has_more"]:
            break
    return events, str(asked["cursor"])


def _kind(page: Page) -> str:
    return page.query("type") if page.query("type") in TYPES else ""


ROWS = (
    of_server("GET", "/tail", show_tail, "emails:read", "listEvents"),
    of_server("GET", "/tail/rows", show_rows, "emails:read", "listEvents"),
)
