"""A server at a glance."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer
from chalicelib.web.page import Page
from chalicelib.web.row import of_server


async def show_overview(page: Page) -> HttpAnswer:
    """What needs attention, and the figures."""
    return page.render("overview.html", overview=await page.ask("GET", "/overview"))


ROWS = (of_server("GET", "", show_overview, "statistics:read", "showOverview"),)
