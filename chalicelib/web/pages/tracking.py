"""Track domains: the names that links and images in mail point to, what is tracked, and their one record."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.dns_words import shown
from chalicelib.web.doing import do
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

SWITCHES = ("track_clicks", "track_loads", "ssl_enabled")
BARE = {"records": (), "dkim_ok": True, "return_path_ok": True}


async def list_tracking(page: Page) -> HttpAnswer:
    """Every name with what it tracks, and the form for another."""
    return page.render("tracking.html", **await _list(page))


async def add_tracking(page: Page) -> HttpAnswer:
    """Add one."""
    body = {"domain": page.form.text("domain"), "label": page.form.text("label") or "track"}
    try:
        made = await page.ask("POST", "/track-domains", body=body)
    except Problem as problem:
        return page.again("tracking.html", problem, **await _list(page))
    return page.see_other(_path(page, made["name"]), "Added. Publish its record, then check")


async def show_tracking(page: Page) -> HttpAnswer:
    """One of them."""
    return page.render("tracking_one.html", **await _one(page))


async def change_tracking(page: Page) -> HttpAnswer:
    """Switch what is tracked."""
    name = page.values["name"]
    page.form.require("excluded_click_domains")
    body = {switch: page.form.has(switch) for switch in SWITCHES}
    hosts = {"excluded_click_domains": page.form.lines("excluded_click_domains")}
    try:
        await page.ask("PATCH", _api(name), body={**body, **hosts})
    except Problem as problem:
        return page.again("tracking_one.html", problem, **await _one(page))
    return page.see_other(_path(page, name), "Saved. New mail is tracked so")


async def check_tracking(page: Page) -> HttpAnswer:
    """Look in DNS now."""
    name = page.values["name"]
    return await do(page, _path(page, name), "Checked just now", "POST", f"{_api(name)}/check")


async def show_removal(page: Page) -> HttpAnswer:
    """What removing it means."""
    return page.render(
        "tracking_remove.html", track=await page.ask("GET", _api(page.values["name"]))
    )


async def remove_tracking(page: Page) -> HttpAnswer:
    """Remove it."""
    name = page.values["name"]
    return await do(page, f"{page.base}/tracking", f"{name} is removed", "DELETE", _api(name))


async def _list(page: Page) -> dict[str, Any]:
    query = {"limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/track-domains", query=query)
    rows = [(one, shown(one["record"], {**BARE, "name": one["domain"]})) for one in found["data"]]
    domains: list[str] | None = []
    if page.may("domains:write"):
        known = await page.ask_or(None, "GET", "/domains", query={"limit": 100})
        verified = [one["name"] for one in (known or {}).get("data", ()) if one["verified_at"]]
        domains = None if known is None else verified
    choices = [(one, one) for one in domains or ()]
    return {"rows": rows, "found": found, "domains": domains, "choices": choices}


async def _one(page: Page) -> dict[str, Any]:
    track = await page.ask("GET", _api(page.values["name"]))
    record = shown(track["record"], {**BARE, "name": track["domain"]})
    return {"track": track, "record": record}


def _api(name: str) -> str:
    return f"/track-domains/{quote(name, safe='')}"


def _path(page: Page, name: str) -> str:
    return f"{page.base}/tracking/{quote(name, safe='')}"


_ONE = "/tracking/{name}"
_READ, _WRITE = "domains:read", "domains:write"
ROWS = (
    of_server("GET", "/tracking", list_tracking, _READ, "listTrackDomains", "listDomains"),
    of_server("POST", "/tracking", add_tracking, _WRITE, "createTrackDomain"),
    of_server("GET", _ONE, show_tracking, _READ, "showTrackDomain"),
    of_server("POST", _ONE, change_tracking, _WRITE, "changeTrackDomain"),
    of_server("POST", f"{_ONE}/check", check_tracking, _READ, "checkTrackDomain"),
    of_server("GET", f"{_ONE}/remove", show_removal, _WRITE, "showTrackDomain"),
    of_server("POST", f"{_ONE}/remove", remove_tracking, _WRITE, "removeTrackDomain"),
)
