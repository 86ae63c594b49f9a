"""The organizations that somebody reaches, and their servers."""

from __future__ import annotations

from chalicelib.api.http import HttpAnswer
from chalicelib.web.page import Page
from chalicelib.web.row import Row


async def show_organizations(page: Page) -> HttpAnswer:
    """All that are reached."""
    found = await page.ask("GET", "/organizations", query={"limit": 100})
    return page.render("organizations.html", organizations=found["data"])


ROWS = (Row("GET", "/", show_organizations, api=("listOrganizations",)),)
