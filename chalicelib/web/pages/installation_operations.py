"""What the installation is at: its queues, what failed too often, and operations of all tenants that are not over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.bulk import title_of
from chalicelib.web.page import Page
from chalicelib.web.row import Row

# Checks that say how work goes, not how names and certificates are.
OF_WORK = ("storage", "queues", "dead_letters", "outbox", "jobs", "processes", "clock")


async def show_operations(page: Page) -> HttpAnswer:
    """All of it, with the checks of that which do not end well."""
    load, checks = await page.ask_all(
        ("GET", "/installation/operations"), ("GET", "/installation/checks")
    )
    wrong = [
        one
        for one in (checks or {"data": ()})["data"]
        if one["check"] in OF_WORK and one["status"] != "ok"
    ]
    jobs = None if load is None else load["jobs"]
    rows = None if jobs is None else [(one, title_of(one["type"]), _path(one)) for one in jobs]
    return page.render("admin_operations.html", load=load, wrong=wrong, rows=rows)


def _path(job: Mapping[str, Any]) -> str:
    """Where its tenant has it."""
    organization, _, server = str(job["tenant"]).partition("/")
    place = f"/org/{quote(organization, safe='')}"
    if server:
        place += f"/servers/{quote(server, safe='')}"
    return f"{place}/operations/{quote(str(job['id']), safe='')}"


ROWS = (
    Row(
        "GET",
        "/admin/operations",
        show_operations,
        "installation:read",
        ("showInstallationOperations", "listChecks"),
    ),
)
