"""Every page that somebody reaches by links alone: one address for each row of the table."""

from __future__ import annotations

from urllib.parse import urlsplit

from chalicelib.web.routes import find
from tests.page_browser import Browser

MOST_PAGES = 400
# Files, and what is no page of the table.
OTHER = ("/api/", "/static/", "/_local/", "/view/")


async def site_map(browser: Browser, *starts: str) -> dict[str, str]:
    """An address of each page by its pattern, the first that was seen; pages are followed one address a pattern. What
    leads on, or is a file, is none."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = list(starts)
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        address = address.removeprefix(browser.prefix)
        if not address.startswith("/") or address.startswith(OTHER):
            continue
        row, _ = find("GET", urlsplit(address).path) or (None, None)
        if row is None or row.pattern in seen:
            continue
        seen.add(row.pattern)
        shown = await browser.ask("GET", address, b"", {})
        if shown.status in (303, 308):
            waiting.append(shown.answer.headers["Location"])
        elif "html" in shown.answer.headers.get("Content-Type", ""):
            found[row.pattern] = address
            waiting += sorted(shown.addresses)
    return found
