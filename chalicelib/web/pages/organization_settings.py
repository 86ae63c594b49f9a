"""Settings of an organization, and its end."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.fields import decimal, number
from chalicelib.web.page import Page
from chalicelib.web.row import Row

PATH = "/org/{org}/settings"
RATES = ("complaint_rate_limit", "bounce_rate_limit")
LIMITS = ("send_limit", "send_limit_day", "send_limit_month")


async def show_settings(page: Page) -> HttpAnswer:
    """What can be set, by who may set it."""
    return page.render("organization_settings.html", about=await _about(page))


async def change_settings(page: Page) -> HttpAnswer:
    """Change name, zone and, by an owner, whether everybody must have a second factor."""
    form = page.form
    form.require("name", "time_zone")
    change: dict[str, Any] = {"name": form.text("name"), "time_zone": form.text("time_zone")}
    if form.has("owner_fields"):
        change["require_second_factor"] = form.has("require_second_factor")
    return await _changed(page, change)


async def change_limits(page: Page) -> HttpAnswer:
    """Change what operators set: limits and pools."""
    form = page.form
    form.require(*LIMITS, *RATES, "rate_limit_count", "send_limit_action", "pools")
    change: dict[str, Any] = {name: number(form, name) for name in LIMITS}
    change |= {name: decimal(form, name) for name in RATES}
    change["rate_limit_count"] = number(form, "rate_limit_count")
    change["send_limit_action"] = form.text("send_limit_action") or "hold"
    pools = form.text("pools").replace(",", " ").split()
    change["pools"] = pools or None
    return await _changed(page, change)


async def show_delete(page: Page) -> HttpAnswer:
    """What goes with it."""
    return page.render("organization_delete.html", about=await _about(page))


async def delete(page: Page) -> HttpAnswer:
    """Delete the organization with all that it has."""
    query = {"confirm": page.form.text("confirm")}
    try:
        await page.ask("DELETE", _api(page), query=query)
    except Problem as problem:
        if problem.code != "confirmation_required":
            raise
        problem = Problem(422, {**problem.told, "errors": [_NOT_THE_NAME]})
        return page.again("organization_delete.html", problem, about=await _about(page))
    return page.see_other("/", f"{page.values['org']} is deleted", all="1")


async def _about(page: Page) -> Any:
    return await page.ask("GET", _api(page))


async def _changed(page: Page, change: dict[str, Any]) -> HttpAnswer:
    try:
        await page.ask("PATCH", _api(page), body=change)
    except Problem as problem:
        return page.again("organization_settings.html", problem, about=await _about(page))
    return page.see_other(f"{page.base}/settings", "Saved")


def _api(page: Page) -> str:
    return f"/organizations/{quote(page.values['org'], safe='')}"


_NOT_THE_NAME = {"pointer": "/confirm", "detail": "is not the name that is wanted"}
ROWS = (
    Row("GET", PATH, show_settings, "people:write", ("showOrganization",)),
    Row("POST", PATH, change_settings, "people:write", ("changeOrganization",)),
    Row("POST", f"{PATH}/limits", change_limits, "installation:write", ("changeOrganization",)),
    Row("GET", f"{PATH}/delete", show_delete, "people:write", ("showOrganization",)),
    Row("POST", f"{PATH}/delete", delete, "people:write", ("deleteOrganization",)),
)
