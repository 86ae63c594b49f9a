"""Management keys of an organization, and of the installation: the list, one that is made, its changes and its end."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES
from chalicelib.web.asking import Problem
from chalicelib.web.fields import all_or_some, moment, new_end
from chalicelib.web.page import Page
from chalicelib.web.row import Row

PATH = "/org/{org}/keys"
ADMIN = "/admin/keys"


async def list_keys(page: Page) -> HttpAnswer:
    """All of them, newest first."""
    return page.render("management_keys.html", **await _values(page))


async def make_key(page: Page) -> HttpAnswer:
    """Make one, which is shown on the answer to the form and never again."""
    form = page.form
    form.require("networks", "expires_at")
    wanted: dict[str, Any] = {
        "name": form.text("name"),
        "scopes": form.all("scopes"),
        "networks": form.lines("networks"),
        "expires_at": moment(form, "expires_at"),
    }
    try:
        if page.base:
            wanted["servers"] = all_or_some(form, "reach", "servers")
        made = await page.ask("POST", "/keys", body=wanted, key=form.text("once"))
    except Problem as problem:
        if problem.code == "confirmation_needed":
            raise
        return page.again("management_keys.html", problem, **await _values(page))
    return page.render("secret.html", made=made, secret=made["key"], back=_path(page))


async def show_key(page: Page) -> HttpAnswer:
    """One of them, to be changed; what it may stays as it was made."""
    return page.render("management_key.html", **await _one(page))


async def change_key(page: Page) -> HttpAnswer:
    """Change one."""
    form, one = page.form, await _one(page)
    form.require("name", "networks", "expires_at")
    wanted: dict[str, Any] = {"name": form.text("name"), "networks": form.lines("networks")}
    wanted |= new_end(form, one["key"]["expires_at"])
    try:
        await page.ask("PATCH", f"/keys/{page.part('id')}", body=wanted)
    except Problem as problem:
        return page.again("management_key.html", problem, **one)
    return page.see_other(_path(page), f"“{wanted['name']}” is saved")


async def revoke_key(page: Page) -> HttpAnswer:
    """Revoke one."""
    await page.ask("DELETE", f"/keys/{quote(page.form.text('key'), safe='')}")
    return page.see_other(_path(page), "The key is revoked. Whoever still uses it gets an error")


async def _values(page: Page) -> dict[str, Any]:
    query = {"limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/keys", query=query)
    mine = page.visitor.here.scopes
    return {
        "found": found,
        "where": _path(page),
        "scopes": [one for one in SCOPES if one in mine],
        "everything": EVERYTHING,
        "once": page.request.request_id,
    }


async def _one(page: Page) -> dict[str, Any]:
    key = await page.ask("GET", f"/keys/{page.part('id')}")
    return {"key": key, "where": _path(page), "everything": EVERYTHING}


def _path(page: Page) -> str:
    return f"{page.base}/keys" if page.base else ADMIN


ROWS = (
    Row("GET", PATH, list_keys, "people:write", ("listKeys",)),
    Row("POST", PATH, make_key, "people:write", ("createKey",)),
    Row("POST", f"{PATH}/revoke", revoke_key, "people:write", ("revokeKey",)),
    Row("GET", f"{PATH}/{{id}}/edit", show_key, "people:write", ("showKey",)),
    Row("POST", f"{PATH}/{{id}}/edit", change_key, "people:write", ("changeKey",)),
    Row("GET", ADMIN, list_keys, "installation:read", ("listKeys",)),
    Row("POST", ADMIN, make_key, "installation:write", ("createKey",)),
    Row("POST", f"{ADMIN}/revoke", revoke_key, "installation:write", ("revokeKey",)),
    Row("GET", f"{ADMIN}/{{id}}/edit", show_key, "installation:write", ("showKey",)),
    Row("POST", f"{ADMIN}/{{id}}/edit", change_key, "installation:write", ("changeKey",)),
)
