"""Endpoints of incoming mail: the list, the form of each type, the page of one with its last mail, and its end."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.event_words import answer_words
from chalicelib.web.fields import number, text
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.pages.routes import MODES
from chalicelib.web.row import of_server

Endpoint = Mapping[str, Any]
TYPES = {
    "http": ("A web application", "Each message is posted to an address of yours"),
    "smtp": ("An SMTP server", "Each message is handed on by SMTP"),
    "address": ("An address", "Each message is forwarded"),
}
FIELDS = {
    "http": ("url", "format", "encoding", "timeout"),
    "smtp": ("hostname", "port", "ssl_mode", "username"),
    "address": ("address",),
}


async def list_endpoints(page: Page) -> HttpAnswer:
    """Each with how many routes send to it."""
    query = {"limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/endpoints", query=query)
    return page.render("endpoints.html", found=found, types=TYPES)


async def show_new(page: Page) -> HttpAnswer:
    """The form for one of a type."""
    return page.render("endpoint_form.html", **_form(None, page.query("type")))


async def make_endpoint(page: Page) -> HttpAnswer:
    """Make one. The secret of a web application is on the answer to the form, once."""
    form = page.form
    kind = form.text("type") if form.text("type") in TYPES else "http"
    wanted = {"type": kind, **_wanted(page, kind)}
    try:
        made = await page.ask("POST", "/endpoints", body=wanted, key=form.text("once"))
    except Problem as problem:
        return page.again("endpoint_form.html", problem, **_form(None, kind))
    if made["secret"]:
        return page.render("endpoint_secret.html", endpoint=made, is_new=True)
    return page.see_other(_path(page, made["id"]), "Endpoint added. Routes may send to it")


async def show_endpoint(page: Page) -> HttpAnswer:
    """How it is set, its routes, and the last mail that it got."""
    return page.render("endpoint.html", **await _one(page), answered=None)


async def show_form(page: Page) -> HttpAnswer:
    """The form to change it."""
    endpoint = await page.ask("GET", _api(page))
    return page.render("endpoint_form.html", **_form(endpoint, endpoint["type"]))


async def change_endpoint(page: Page) -> HttpAnswer:
    """Change it."""
    endpoint = await page.ask("GET", _api(page))
    page.form.require("name", *FIELDS[endpoint["type"]])
    wanted = _wanted(page, endpoint["type"])
    if wanted.get("url") == endpoint["url"]:
        wanted.pop("url", None)
    try:
        await page.ask("PATCH", _api(page), body=wanted)
    except Problem as problem:
        return page.again("endpoint_form.html", problem, **_form(endpoint, endpoint["type"]))
    return page.see_other(_path(page, endpoint["id"]), "Saved. Mail from now on goes so")


async def enable_endpoint(page: Page) -> HttpAnswer:
    """Have routes send to it again."""
    where = _path(page, page.values["id"])
    said = Flash("Turned on. Release what was held meanwhile", undo=f"{where}/disable")
    return await do(page, where, said, "POST", f"{_api(page)}/enable")


async def disable_endpoint(page: Page) -> HttpAnswer:
    """Hold mail for it."""
    where = _path(page, page.values["id"])
    said = Flash("Turned off. Mail for it is held", undo=f"{where}/enable")
    return await do(page, where, said, "PATCH", _api(page), body={"enabled": False})


async def test_endpoint(page: Page) -> HttpAnswer:
    """Post a sample now; the answer in full is on the answer to the form, as it is kept nowhere."""
    where = _path(page, page.values["id"])
    try:
        answered = await page.ask("POST", f"{_api(page)}/test")
    except Problem as problem:
        if problem.status not in (409, 422, 429):
            raise
        return page.see_other(where, Flash(problem.detail, "bad"))
    words = answer_words(answered["code"])
    values = await _one(page)
    return page.render("endpoint.html", **values, answered=(answered, words))


async def rotate_secret(page: Page) -> HttpAnswer:
    """Another secret, shown on the answer to the form; the old one signs for a day more."""
    made = await page.ask("POST", f"{_api(page)}/rotate", key=page.form.text("once"))
    return page.render("endpoint_secret.html", endpoint=made, is_new=False)


async def show_deletion(page: Page) -> HttpAnswer:
    """Its routes, and what they may do instead."""
    return page.render("endpoint_delete.html", **await _to_delete(page))


async def delete_endpoint(page: Page) -> HttpAnswer:
    """Change its routes as was chosen, then delete it."""
    endpoint = await page.ask("GET", _api(page))
    instead = page.form.text("instead")
    try:
        for route in endpoint["routes"]:
            await _change_route(page, route, endpoint["id"], instead)
        await page.ask("DELETE", _api(page))
    except Problem as problem:
        return page.again("endpoint_delete.html", problem, **await _to_delete(page))
    return page.see_other(f"{page.base}/endpoints", "The endpoint is deleted")


async def _change_route(page: Page, id: str, endpoint: str, instead: str) -> None:
    """A route that has it as its endpoint gets another, or a mode without one."""
    path = f"/routes/{quote(id, safe='')}"
    route = await page.ask("GET", path)
    if route["endpoint"] != endpoint or not instead:
        return
    others = [one for one in route["additional_endpoints"] if one != endpoint]
    if instead in MODES:
        await page.ask("PATCH", path, body={"mode": instead})
        return
    kept = [one for one in others if one != instead]
    await page.ask("PATCH", path, body={"endpoint": instead, "additional_endpoints": kept})


async def _one(page: Page) -> dict[str, Any]:
    endpoint = await page.ask("GET", _api(page))
    asked = {"q": f"endpoint:{endpoint['id']}", "direction": "incoming", "limit": 50}
    mail, routes = await asyncio.gather(
        page.ask_or(None, "GET", "/emails", query=asked) if page.may("emails:read") else _nothing(),
        page.ask_or(None, "GET", "/routes", query={"limit": 100}),
    )
    return {
        "endpoint": endpoint,
        "types": TYPES,
        "mail": mail,
        "routes": [
            one for one in (routes or {}).get("data", ()) if one["id"] in endpoint["routes"]
        ],
    }


async def _nothing() -> None:
    return None


async def _to_delete(page: Page) -> dict[str, Any]:
    endpoint, others, routes = await asyncio.gather(
        page.ask("GET", _api(page)),
        page.ask_or(None, "GET", "/endpoints", query={"limit": 100}),
        page.ask_or(None, "GET", "/routes", query={"limit": 100}),
    )
    left = [one for one in (others or {}).get("data", ()) if one["id"] != endpoint["id"]]
    choices = [("Reject", "refuse mail"), ("Hold", "hold it"), ("Accept", "accept and keep it")]
    choices += [("Bounce", "send it back to its sender")]
    choices += [(one["id"], f"give it to {one['name'][:60]}") for one in left]
    return {
        "endpoint": endpoint,
        "choices": choices,
        "routes": [
            one for one in (routes or {}).get("data", ()) if one["id"] in endpoint["routes"]
        ],
    }


def _wanted(page: Page, kind: str) -> dict[str, Any]:
    form = page.form
    wanted: dict[str, Any] = {"name": text(form, "name")}
    if kind == "http":
        wanted |= {
            "url": text(form, "url"),
            "format": form.text("format") or "v2",
            "include_attachments": form.has("include_attachments"),
            "timeout": 5 if number(form, "timeout") is None else number(form, "timeout"),
        }
        if wanted["format"] != "v2":
            wanted["encoding"] = form.text("encoding") or "BodyAsJSON"
            wanted["strip_replies"] = form.has("strip_replies")
    elif kind == "smtp":
        wanted |= {
            "hostname": text(form, "hostname"),
            "ssl_mode": form.text("ssl_mode") or "Auto",
            "username": text(form, "username"),
        }
        port = number(form, "port")
        usual = 465 if wanted["ssl_mode"] == "TLS" else 25
        wanted["port"] = usual if port is None else port
        wanted |= {"password": form.raw("password")} if form.raw("password") else {}
    else:
        wanted["address"] = text(form, "address")
        if wanted["name"] is None:
            wanted.pop("name")
    return wanted


def _form(endpoint: Endpoint | None, kind: str) -> dict[str, Any]:
    return {"endpoint": endpoint, "kind": kind if kind in TYPES else "http", "types": TYPES}


def _api(page: Page) -> str:
    return f"/endpoints/{quote(page.values['id'], safe='')}"


def _path(page: Page, id: str) -> str:
    return f"{page.base}/endpoints/{quote(id, safe='')}"


_ONE = "/endpoints/{id}"
_READ, _WRITE = "routing:read", "routing:write"
ROWS = (
    of_server("GET", "/endpoints", list_endpoints, _READ, "listEndpoints"),
    of_server("POST", "/endpoints", make_endpoint, _WRITE, "createEndpoint"),
    of_server("GET", "/endpoints/new", show_new, _WRITE),
    of_server("GET", _ONE, show_endpoint, _READ, "showEndpoint", "listEmails", "listRoutes"),
    of_server("POST", _ONE, change_endpoint, _WRITE, "changeEndpoint"),
    of_server("GET", f"{_ONE}/edit", show_form, _WRITE, "showEndpoint"),
    of_server("POST", f"{_ONE}/enable", enable_endpoint, _WRITE, "enableEndpoint"),
    of_server("POST", f"{_ONE}/disable", disable_endpoint, _WRITE, "changeEndpoint"),
    of_server("POST", f"{_ONE}/test", test_endpoint, _WRITE, "testEndpoint"),
    of_server("POST", f"{_ONE}/rotate", rotate_secret, _WRITE, "rotateEndpoint"),
    of_server("GET", f"{_ONE}/delete", show_deletion, _WRITE, "showEndpoint", "listRoutes"),
    of_server("POST", f"{_ONE}/delete", delete_endpoint, _WRITE, "deleteEndpoint", "changeRoute"),
)
