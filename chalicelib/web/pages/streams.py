"""Streams: kinds of mail of a server, whether each has one-click fields to unsubscribe, and rates that hold it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.fields import decimal, number
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

TYPES = (
    ("transactional", "Transactional: one message to one person"),
    ("broadcast", "Broadcast: the same to many"),
)

_RATES = ("complaint_rate_limit", "bounce_rate_limit", "rate_limit_count")


async def list_streams(page: Page) -> HttpAnswer:
    """All of them, the form for another, and for operators the rates of the one that the address names."""
    return page.render("streams.html", **await _values(page))


async def add_stream(page: Page) -> HttpAnswer:
    """Add one."""
    form = page.form
    body: dict[str, Any] = {"name": form.text("name"), "type": form.text("type")}
    if form.has("unsubscribe"):
        body["unsubscribe"] = True
    try:
        await page.ask("POST", "/streams", body=body)
    except Problem as problem:
        return page.again("streams.html", problem, **await _values(page))
    return page.see_other(f"{page.base}/streams", f"Mail may name the stream {body['name']}")


async def switch_stream(page: Page) -> HttpAnswer:
    """Add the fields to unsubscribe to its mail, or leave them out."""
    page.form.require("unsubscribe")
    name, adds = page.values["name"], page.form.text("unsubscribe") == "yes"
    words = "can be unsubscribed from by one click" if adds else "has no fields to unsubscribe"
    back = (("unsubscribe", "no" if adds else "yes"),)
    undo = f"{page.base}/streams/{quote(name, safe='')}"
    said = Flash(f"Mail of {name} {words}", undo=undo, fields=back)
    where = f"{page.base}/streams"
    return await do(page, where, said, "PATCH", _api(name), body={"unsubscribe": adds})


async def remove_stream(page: Page) -> HttpAnswer:
    """Remove one; its suppressions stay, and act again on a stream of that name."""
    name = page.values["name"]
    undo = Flash(f"The stream {name} is removed. Mail that names it is refused from now on")
    return await do(page, f"{page.base}/streams", undo, "DELETE", _api(name))


async def change_rates(page: Page) -> HttpAnswer:
    """Change above which rates new mail of one is held; operators do."""
    name, form = page.form.text("stream"), page.form
    form.require(*_RATES)
    body: dict[str, Any] = {
        "complaint_rate_limit": decimal(form, "complaint_rate_limit"),
        "bounce_rate_limit": decimal(form, "bounce_rate_limit"),
        "rate_limit_count": number(form, "rate_limit_count"),
    }
    try:
        await page.ask("PATCH", _api(name), body=body)
    except Problem as problem:
        return page.again("streams.html", problem, **await _values(page))
    return page.see_other(f"{page.base}/streams", f"Saved for the stream {name}")


async def _values(page: Page) -> dict[str, Any]:
    query = {"limit": 100, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/streams", query=query)
    wanted = page.form.text("stream") or page.query("stream")
    chosen = next((one for one in found["data"] if one["name"] == wanted), None)
    return {"found": found, "types": TYPES, "chosen": chosen}


def _api(name: str) -> str:
    return f"/streams/{quote(name, safe='')}"


_READ, _WRITE = "suppressions:read", "suppressions:write"
ROWS = (
    of_server("GET", "/streams", list_streams, _READ, "listStreams"),
    of_server("POST", "/streams", add_stream, _WRITE, "createStream"),
    of_server("POST", "/stream-rates", change_rates, "installation:write", "changeStream"),
    of_server("POST", "/streams/{name}", switch_stream, _WRITE, "changeStream"),
    of_server("POST", "/streams/{name}/remove", remove_stream, _WRITE, "deleteStream"),
)
