"""Routes of incoming mail: the list in the order of matching, trying an address, the form, and simulated mail."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.fields import number
from chalicelib.web.page import Page
from chalicelib.web.pasted_mail import pasted
from chalicelib.web.row import of_server

Route = Mapping[str, Any]
# What a mode does, in words.
MODES = {
    "Endpoint": "Given to an endpoint",
    "Accept": "Accepted and kept",
    "Hold": "Held",
    "Bounce": "Sent back to its sender",
    "Reject": "Refused",
}
SPAM = {
    "Mark": "marked and given on",
    "Quarantine": "held",
    "Fail": "refused",
}
STEPS = {
    "name": ("Another name", "idle"),
    "condition": ("A condition does not hold", "idle"),
    "chosen": ("Takes it", "good"),
}


async def list_routes(page: Page) -> HttpAnswer:
    """The list; with an address in the query what would become of mail to it."""
    tried = {name: page.query(name) for name in ("to", "from", "subject", "spam_score")}
    body: dict[str, Any] = {name: one for name, one in tried.items() if one}
    if tried["spam_score"]:
        body["spam_score"] = as_score(tried["spam_score"])
    return await _shown(page, tried, body if tried["to"] else None)


async def try_message(page: Page) -> HttpAnswer:
    """What would become of a message that was pasted; or have it come in by the route that takes it."""
    form = page.form
    text = form.raw("message")
    found = pasted(text)
    tried = {
        "to": form.text("to"),
        "from": form.text("from") or found.sender,
        "subject": found.subject,
        "spam_score": form.text("spam_score"),
    }
    body: dict[str, Any] = {"to": tried["to"], "from": tried["from"], "subject": found.subject}
    body["headers"] = dict(found.headers)
    if tried["spam_score"]:
        body["spam_score"] = as_score(tried["spam_score"])
    if form.text("do") != "simulate":
        return await _shown(page, tried, body)
    return await _come_in(page, tried, body, text)


async def _come_in(
    page: Page, tried: dict[str, str], body: dict[str, Any], text: str
) -> HttpAnswer:
    try:
        matched = await page.ask("POST", "/routes/match", body=body)
        if matched["route"] is None:
            return await _shown(page, tried, body)
        wanted = {"from": tried["from"], "raw": text}
        path = f"/routes/{quote(matched['route']['id'], safe='')}/simulate"
        made = await page.ask("POST", path, body=wanted)
    except Problem as problem:
        if problem.status in (401, 403, 404):
            raise
        return await _shown(page, tried, None, problem)
    where = f"{page.base}/messages/{made['id']}"
    return page.see_other(where, "The message came in by this route")


def as_score(text: str) -> float | str:
    """A number as people type it; what is none as it is, for the API to say so."""
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        return text
    return number if math.isfinite(number) else text


async def _shown(
    page: Page,
    tried: dict[str, str],
    body: dict[str, Any] | None,
    problem: Problem | None = None,
) -> HttpAnswer:
    query = {"limit": 30, "cursor": page.query("cursor")}
    found, endpoints, counted = await asyncio.gather(
        page.ask("GET", "/routes", query=query),
        page.ask_or(None, "GET", "/endpoints", query={"limit": 100}),
        _day(page),
    )
    values = {
        "found": found,
        "endpoints": _by_id(endpoints),
        "counted": counted,
        "modes": MODES,
        "spam": SPAM,
        "steps": STEPS,
        "tried": tried,
    }
    if problem is not None:
        return page.again("routes.html", problem, matched=None, **values)
    if body is None:
        return page.render("routes.html", matched=None, **values)
    try:
        matched = await page.ask("POST", "/routes/match", body=body)
    except Problem as wrong:
        return page.again("routes.html", wrong, matched=None, **values)
    return page.render("routes.html", matched=matched, **values)


async def show_new(page: Page) -> HttpAnswer:
    """The form for a new one."""
    return page.render("route_form.html", **await _form(page, None))


async def make_route(page: Page) -> HttpAnswer:
    """Make one."""
    try:
        made = await page.ask("POST", "/routes", body=_wanted(page))
    except Problem as problem:
        return page.again("route_form.html", problem, **await _form(page, None))
    said = f"Mail to {made['address'] or made['name']} takes this route"
    return page.see_other(f"{page.base}/routes", said)


async def show_route(page: Page) -> HttpAnswer:
    """One of them, to look at and to change."""
    return page.render("route_form.html", **await _form(page, await _one(page)))


async def change_route(page: Page) -> HttpAnswer:
    """Change it."""
    page.form.require("name", "domain", "mode", "endpoint", "spam_mode", "priority", "conditions")
    try:
        await page.ask("PATCH", _api(page), body=_wanted(page))
    except Problem as problem:
        return page.again("route_form.html", problem, **await _form(page, await _one(page)))
    return page.see_other(f"{page.base}/routes", "Saved. Mail from now on goes so")


async def simulate(page: Page) -> HttpAnswer:
    """Have a message come in by it, and show what becomes of it."""
    form = page.form
    body = {"from": form.text("from"), "subject": form.text("subject"), "text": form.text("text")}
    try:
        made = await page.ask("POST", f"{_api(page)}/simulate", body=body)
    except Problem as problem:
        if problem.status in (401, 403, 404):
            raise
        return page.again("route_form.html", problem, **await _form(page, await _one(page)))
    where = f"/messages/{made['id']}"
    return page.see_other(page.base + where, "A message came in by this route")


async def show_deletion(page: Page) -> HttpAnswer:
    """What deleting it means."""
    return page.render("route_delete.html", route=await _one(page))


async def delete_route(page: Page) -> HttpAnswer:
    """Delete it."""
    return await do(page, f"{page.base}/routes", "The route is deleted", "DELETE", _api(page))


def conditions_of(text: str) -> list[dict[str, str]]:
    """Conditions as a field of text has them, one a line: `subject: *invoice*`, `header:List-Id: *news*`."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        begins = len("header:") if line.lower().startswith("header:") else 0
        at = line.find(":", begins)
        name, value = (line, "") if at < 0 else (line[:at], line[at + 1 :])
        found.append({"field": name.strip(), "matches": value.strip()})
    return found


def _wanted(page: Page) -> dict[str, Any]:
    form = page.form
    mode = form.text("mode") or "Endpoint"
    is_endpoint = mode == "Endpoint"
    priority = number(form, "priority")
    return {
        "name": form.text("name"),
        "domain": form.text("domain") or None,
        "mode": mode,
        "endpoint": form.text("endpoint") or None if is_endpoint else None,
        "additional_endpoints": form.all("additional_endpoints") if is_endpoint else [],
        "spam_mode": form.text("spam_mode") or "Mark",
        "priority": 100 if priority is None else priority,
        "conditions": conditions_of(form.text("conditions")),
    }


async def _form(page: Page, route: Route | None) -> dict[str, Any]:
    endpoints, domains = await page.ask_all(
        ("GET", "/endpoints", {"limit": 100}), ("GET", "/domains", {"limit": 100})
    )
    listed = (endpoints or {}).get("data", [])
    own = [] if route is None else [route["endpoint"], *route["additional_endpoints"]]
    unlisted = [one for one in own if one and one not in _by_id(endpoints)]
    # What could not be loaded, or stands further down than a page of them, stays what the route has.
    listed += [await _endpoint(page, one) for one in unlisted]
    known = [one["name"] for one in (domains or {}).get("data", ()) if one["verified_at"]]
    if route is not None and route["domain"] and route["domain"] not in known:
        known.append(route["domain"])
    written = "" if route is None else _written(route["conditions"])
    return {
        "route": route,
        "endpoints": listed,
        "domains": [(name, name) for name in known] + [("", "none: return path")],
        "modes": list(MODES.items()),
        "spam": [(name, f"is {words}") for name, words in SPAM.items()],
        "written": written,
        "is_missing": endpoints is None or domains is None,
    }


def _written(conditions: list[Mapping[str, str]]) -> str:
    return "\n".join(f"{one['field']}: {one['matches']}" for one in conditions)


async def _endpoint(page: Page, id: str) -> Any:
    path = f"/endpoints/{quote(id, safe='')}"
    return await page.ask_or({"id": id, "name": id}, "GET", path)


async def _one(page: Page) -> Route:
    found: Route = await page.ask("GET", _api(page))
    return found


async def _day(page: Page) -> dict[str, int] | None:
    """How much mail came by each route in a day."""
    if not page.may("statistics:read"):
        return None
    query = {"period": "hour", "group_by": "route", "limit": 100}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    if told is None:
        return None
    return {one["group"]: one["counts"]["incoming"] for one in told["data"] if one["group"]}


def _by_id(endpoints: Any) -> dict[str, Any]:
    return {one["id"]: one for one in (endpoints or {}).get("data", ())}


def _api(page: Page) -> str:
    return f"/routes/{quote(page.values['id'], safe='')}"


_ONE = "/routes/{id}"
_READ, _WRITE = "routing:read", "routing:write"
ROWS = (
    of_server("GET", "/routes", list_routes, _READ, "listRoutes", "matchRoutes", "listEndpoints"),
    of_server("POST", "/routes", make_route, _WRITE, "createRoute"),
    of_server("POST", "/routes/try", try_message, _READ, "matchRoutes", "simulateRoute"),
    of_server("GET", "/routes/new", show_new, _WRITE, "listEndpoints", "listDomains"),
    of_server("GET", _ONE, show_route, _WRITE, "showRoute", "listEndpoints", "listDomains"),
    of_server("POST", _ONE, change_route, _WRITE, "changeRoute"),
    of_server("POST", f"{_ONE}/simulate", simulate, "emails:send", "simulateRoute"),
    of_server("GET", f"{_ONE}/delete", show_deletion, _WRITE, "showRoute"),
    of_server("POST", f"{_ONE}/delete", delete_route, _WRITE, "deleteRoute"),
)
