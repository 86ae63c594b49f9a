"""The organizations that somebody reaches, their servers, and making new ones."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.fields import text
from chalicelib.web.frame import overview_of
from chalicelib.web.page import Page
from chalicelib.web.row import Row

ORGANIZATION = "/org/{org}"
MOST_LOOKED_AT = 12
LISTED = {"limit": 100}


async def show_organizations(page: Page) -> HttpAnswer:
    """All that are reached; the only one is gone to at once, and its only server too."""
    found = await page.ask(
        "GET", "/organizations", query={**LISTED, "cursor": page.query("cursor")}
    )
    organizations = found["data"]
    if len(organizations) != 1 or page.query("cursor") or page.query("all"):
        return page.render("organizations.html", found=found, organizations=organizations)
    only = organizations[0]["permalink"]
    servers = await page.ask("GET", "/servers", query={**LISTED, "organization": only})
    where = f"/org/{quote(only, safe='')}"
    if len(servers["data"]) == 1:
        where += f"/servers/{quote(servers['data'][0]['permalink'], safe='')}"
    return page.see_other(where)


async def show_new_organization(page: Page) -> HttpAnswer:
    """The form for another organization."""
    return page.render("organization_new.html")


async def make_organization(page: Page) -> HttpAnswer:
    """Make an organization."""
    form = page.form
    wanted = {"name": form.text("name"), "permalink": text(form, "permalink")}
    wanted["time_zone"] = form.text("time_zone") or "UTC"
    try:
        made = await page.ask("POST", "/organizations", body=wanted)
    except Problem as problem:
        return page.again("organization_new.html", problem)
    said = f"{made['name']} is made. Its first server comes next"
    return page.see_other(f"/org/{made['permalink']}/servers/new", said)


async def show_servers(page: Page) -> HttpAnswer:
    """The servers of an organization, each with what is going on there."""
    organization = page.values["org"]
    query = {"organization": organization, **LISTED, "cursor": page.query("cursor")}
    about, found = await asyncio.gather(
        page.ask("GET", f"/organizations/{quote(organization, safe='')}"),
        page.ask("GET", "/servers", query=query),
    )
    servers = found["data"]
    overviews = await asyncio.gather(
        *(overview_of(page, one["server"]) for one in servers[:MOST_LOOKED_AT])
    )
    known = dict(zip((one["id"] for one in servers), overviews, strict=False))
    return page.render("servers.html", about=about, found=found, servers=servers, overviews=known)


async def show_new_server(page: Page) -> HttpAnswer:
    """The form for another server."""
    return page.render("server_new.html")


async def make_server(page: Page) -> HttpAnswer:
    """Make a server."""
    form, organization = page.form, page.values["org"]
    wanted = {
        "organization": organization,
        "name": form.text("name"),
        "permalink": text(form, "permalink"),
        "mode": form.text("mode") or "Live",
    }
    try:
        made = await page.ask("POST", "/servers", body=wanted)
    except Problem as problem:
        return page.again("server_new.html", problem)
    where = f"{page.base}/servers/{quote(made['permalink'], safe='')}/start"
    return page.see_other(where, f"{made['name']} is made")


ROWS = (
    Row("GET", "/", show_organizations, "", ("listOrganizations", "listServers")),
    Row("GET", "/organizations/new", show_new_organization, "installation:write"),
    Row(
        "POST",
        "/organizations/new",
        make_organization,
        "installation:write",
        ("createOrganization",),
    ),
    Row(
        "GET",
        ORGANIZATION,
        show_servers,
        "servers:read",
        ("showOrganization", "listServers", "showOverview"),
    ),
    Row("GET", f"{ORGANIZATION}/servers/new", show_new_server, "servers:write"),
    Row("POST", f"{ORGANIZATION}/servers/new", make_server, "servers:write", ("createServer",)),
)
