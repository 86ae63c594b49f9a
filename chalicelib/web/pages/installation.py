"""The installation, for its operators: health, users, organizations, pools, ways out, settings (docs/dashboard.md)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.fields import number
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import Row

READ, WRITE = "installation:read", "installation:write"
LISTED = {"limit": 100}
WAYS = ("address", "address6", "host", "username", "tls", "ehlo")


async def show_health(page: Page) -> HttpAnswer:
    """The checks, what is wrong first."""
    checks, about = await asyncio.gather(
        page.ask_or(None, "GET", "/installation/checks"), page.ask("GET", "/installation")
    )
    order = {"failing": 0, "warning": 1, "ok": 2}
    found = sorted((checks or {"data": ()})["data"], key=lambda one: order.get(one["status"], 0))
    return page.render("admin_health.html", checks=found, known=checks is not None, about=about)


async def show_users(page: Page) -> HttpAnswer:
    """All users, newest first."""
    return page.render("admin_users.html", **await _users(page))


async def make_user(page: Page) -> HttpAnswer:
    """Make a user, who without a password is mailed a link to choose one."""
    form = page.form
    wanted: dict[str, Any] = {
        name: form.text(name) for name in ("email", "first_name", "last_name")
    }
    wanted["admin"] = form.has("admin")
    wanted["password"] = form.raw("password") or None
    try:
        made = await page.ask("POST", "/users", body=wanted)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("admin_users.html", problem, **await _users(page))
    mailed = "" if wanted["password"] else ", and is mailed a link to choose a password"
    return page.see_other("/admin/users", f"{made['email']} is made{mailed}")


async def show_user(page: Page) -> HttpAnswer:
    """One user."""
    return page.render("admin_user.html", user=await page.ask("GET", _user(page)))


async def change_user(page: Page) -> HttpAnswer:
    """Do one of what can be done to a user, as the button says."""
    what, path, where = page.form.text("do"), _user(page), page.request.path
    where = where.removeprefix(page.prefix)
    if what == "admin":
        page.form.require("admin")
        admin = page.form.text("admin") == "yes"
        return await do(page, where, "Done", "PATCH", path, body={"admin": admin})
    if what in ("sessions", "factors"):
        return await do(page, where, "Done", "DELETE", f"{path}/{what}")
    if what == "remove":
        return await _removed(page)
    return page.see_other(where, Flash("Choose what is to be done", "late"))


async def show_organizations(page: Page) -> HttpAnswer:
    """All organizations, newest first."""
    query = {"limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/organizations", query=query)
    return page.render("admin_organizations.html", found=found)


async def suspend_organization(page: Page) -> HttpAnswer:
    """Hold all mail of an organization, or let it go on."""
    form = page.form
    name = form.text("organization")
    path, where = f"/organizations/{quote(name, safe='')}", "/admin/organizations"
    if form.has("lift"):
        await page.ask("POST", f"{path}/unsuspend")
        return page.see_other(where, f"{name} goes on")
    try:
        await page.ask("POST", f"{path}/suspend", body={"reason": form.text("reason")})
    except Problem as problem:
        if not problem.errors:
            raise
        found = await page.ask("GET", "/organizations", query={"limit": 30})
        return page.again("admin_organizations.html", problem, found=found)
    undo = (("organization", name), ("lift", "1"))
    said = Flash(
        f"{name} is suspended, and its members are mailed", "late", f"{where}/suspend", undo
    )
    return page.see_other(where, said)


async def show_pools(page: Page) -> HttpAnswer:
    """The pools, with their ways out."""
    found = await page.ask("GET", "/pools", query=LISTED)
    return page.render("admin_pools.html", found=found)


async def change_pool(page: Page) -> HttpAnswer:
    """Make a pool the default, or give it to organizations."""
    form = page.form
    path = f"/pools/{quote(form.text('pool'), safe='')}"
    change: dict[str, Any] = {"default": True}
    if not form.has("default"):
        form.require("organizations")
        named = form.text("organizations").replace(",", " ").split()
        change = {"organizations": None if form.has("every") else named}
    try:
        if form.has("every") and form.text("organizations"):
            wrong = {
                "pointer": "/organizations",
                "detail": "are named: untick “Every organization”",
            }
            raise Problem(422, {"errors": [wrong]})
        await page.ask("PATCH", path, body=change)
    except Problem as problem:
        if not problem.errors:
            raise
        found = await page.ask("GET", "/pools", query=LISTED)
        return page.again("admin_pools.html", problem, found=found)
    return page.see_other("/admin/pools", "Saved")


async def show_sources(page: Page) -> HttpAnswer:
    """The ways out."""
    return page.render("admin_sources.html", found=await _sources(page))


async def add_source(page: Page) -> HttpAnswer:
    """Add a way out."""
    form = page.form
    body = {
        "name": form.text("name"),
        "pool": form.text("pool") or "default",
        "kind": form.text("kind"),
    }
    try:
        await page.ask("POST", "/sources", body={**body, **_way(page)})
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("admin_sources.html", problem, found=await _sources(page))
    return page.see_other("/admin/sources", f"{body['name']} is added")


async def change_source(page: Page) -> HttpAnswer:
    """Suspend a way out, let it go on, or remove it, as the button says."""
    form = page.form
    path, pool = f"/sources/{quote(form.text('source'), safe='')}", {"pool": form.text("pool")}
    what, where = form.text("do"), "/admin/sources"
    if what == "resume":
        return await do(page, where, "It is used again", "POST", f"{path}/resume", query=pool)
    if what == "remove":
        return await do(page, where, "It is removed", "DELETE", path, query=pool)
    said = Flash("It is suspended. Mail takes the others of its pool", "late")
    seconds = {"seconds": number(form, "seconds")}
    return await do(page, where, said, "POST", f"{path}/suspend", query=pool, body=seconds)


async def show_settings(page: Page) -> HttpAnswer:
    """What holds for everybody."""
    return page.render("admin_settings.html", about=await page.ask("GET", "/installation"))


async def change_settings(page: Page) -> HttpAnswer:
    """Change the notice that stands on all pages."""
    page.form.require("notice")
    try:
        await page.ask("PATCH", "/installation", body={"notice": page.form.text("notice") or None})
    except Problem as problem:
        about = await page.ask("GET", "/installation")
        return page.again("admin_settings.html", problem, about=about)
    return page.see_other("/admin/settings", "Saved")


async def _users(page: Page) -> dict[str, Any]:
    query = {"limit": 30, "cursor": page.query("cursor"), "q": page.query("q")[:500]}
    return {"found": await page.ask("GET", "/users", query=query)}


async def _removed(page: Page) -> HttpAnswer:
    user = await page.ask("GET", _user(page))
    if page.form.text("confirm") != user["email"]:
        wrong = {"errors": [{"pointer": "/confirm", "detail": "is not the address of this user"}]}
        return page.again("admin_user.html", Problem(422, wrong), user=user)
    try:
        await page.ask("DELETE", _user(page))
    except Problem as problem:
        if problem.status != 409:
            raise
        return page.again("admin_user.html", problem, user=user)
    return page.see_other("/admin/users", f"{user['email']} is removed")


async def _sources(page: Page) -> Any:
    return await page.ask("GET", "/sources", query={**LISTED, "cursor": page.query("cursor")})


def _way(page: Page) -> dict[str, Any]:
    form = page.form
    given: dict[str, Any] = {name: form.text(name) for name in WAYS if form.text(name)}
    if form.raw("password"):
        given["password"] = form.raw("password")
    numbers = {name: number(form, name) for name in ("port", "priority")}
    return given | {name: one for name, one in numbers.items() if one is not None}


def _user(page: Page) -> str:
    return f"/users/{quote(page.values['user'], safe='')}"


ROWS = (
    Row("GET", "/admin", show_health, READ, ("listChecks", "showInstallation")),
    Row("GET", "/admin/health", show_health, READ, ("listChecks", "showInstallation")),
    Row("GET", "/admin/users", show_users, READ, ("listUsers",)),
    Row("POST", "/admin/users", make_user, WRITE, ("createUser",)),
    Row("GET", "/admin/users/{user}", show_user, READ, ("showUser",)),
    Row(
        "POST",
        "/admin/users/{user}",
        change_user,
        WRITE,
        ("changeUser", "signOutUser", "resetUserFactors", "removeUser"),
    ),
    Row("GET", "/admin/organizations", show_organizations, READ, ("listOrganizations",)),
    Row(
        "POST",
        "/admin/organizations/suspend",
        suspend_organization,
        WRITE,
        ("suspendOrganization", "unsuspendOrganization"),
    ),
    Row("GET", "/admin/pools", show_pools, READ, ("listPools",)),
    Row("POST", "/admin/pools", change_pool, WRITE, ("changePool",)),
    Row("GET", "/admin/sources", show_sources, READ, ("listSources",)),
    Row("POST", "/admin/sources", add_source, WRITE, ("createSource",)),
    Row(
        "POST",
        "/admin/sources/change",
        change_source,
        WRITE,
        ("suspendSource", "resumeSource", "removeSource"),
    ),
    Row("GET", "/admin/settings", show_settings, READ, ("showInstallation",)),
    Row("POST", "/admin/settings", change_settings, WRITE, ("changeInstallation",)),
)
