"""Keys of a server: the list, a new one shown once with how to use it, its changes and its end; where SMTP is."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.tenancy.scopes import EVERYTHING, OF_A_SERVER_KEY, Reach, within
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.fields import moment, new_end, number
from chalicelib.web.page import Page
from chalicelib.web.row import of_server
from chalicelib.web.snippets import Submission, by_api, by_smtp
from chalicelib.web.words import read_time

LIMITS = ("send_limit", "send_limit_day", "send_limit_month")
KINDS = {"API": "HTTP API", "SMTP": "SMTP", "SMTP-IP": "SMTP by network"}
OLD_ENDS = (("24", "in 24 hours"), ("168", "in 7 days"), ("0", "now"))
COPIED = ("kind", "name", "hold", "bare_newlines", "networks", *LIMITS, "send_limit_action")
RECENT = timedelta(days=7)
LOCAL_HOST = "127.0.0.1"


async def list_keys(page: Page) -> HttpAnswer:
    """Every key with its last use, and where mail is submitted."""
    found, about, counted = await asyncio.gather(
        page.ask("GET", "/credentials", query={"limit": 30, "cursor": page.query("cursor")}),
        page.ask_or(None, "GET", "/installation"),
        _day(page),
    )
    about = _reached(page, about)
    return page.render("keys.html", found=found, about=about, counted=counted, kinds=KINDS)


async def show_new(page: Page) -> HttpAnswer:
    """The form for a new one."""
    return page.render("key_new.html", **_form(page))


async def make_key(page: Page) -> HttpAnswer:
    """Make one. The answer to the form shows it; sent again, the same form gives the same key."""
    form = page.form
    form.require("expires_at", "networks")
    kind = form.text("kind") or "API"
    wanted: dict[str, Any] = {
        "kind": kind,
        "name": form.text("name"),
        "expires_at": moment(form, "expires_at"),
        "hold": form.has("hold"),
    }
    if kind == "SMTP-IP":
        wanted["network"] = form.text("network") or None
    else:
        wanted["networks"] = form.lines("networks")
    if kind == "API":
        wanted["scopes"] = form.all("scopes")
    try:
        made = await page.ask("POST", "/credentials", body=wanted, key=form.text("once"))
    except Problem as problem:
        if problem.code == "confirmation_needed":
            raise
        return page.again("key_new.html", problem, **_form(page))
    return await _shown(page, made, "")


async def show_key(page: Page) -> HttpAnswer:
    """One of them: what it may, its limits, rolling and revoking it."""
    return page.render("key.html", **await _one(page))


async def change_key(page: Page) -> HttpAnswer:
    """Change one."""
    form, id = page.form, page.values["id"]
    wanted: dict[str, Any] = {
        "name": form.text("name"),
        "hold": form.has("hold"),
        "send_limit_action": form.text("send_limit_action") or "hold",
        **{name: number(form, name) for name in LIMITS},
    }
    one = await _one(page)
    form.require("name", "expires_at", *LIMITS, "send_limit_action")
    wanted |= new_end(form, one["key"]["expires_at"])
    if one["key"]["kind"] != "SMTP-IP":
        form.require("networks")
        wanted["networks"] = form.lines("networks")
    try:
        await page.ask("PATCH", _api(id), body=wanted)
    except Problem as problem:
        return page.again("key.html", problem, **one)
    return page.see_other(f"{page.base}/keys", f"“{wanted['name']}” is saved")


async def roll_key(page: Page) -> HttpAnswer:
    """Make another like it, and let the old one end."""
    form, id = page.form, page.values["id"]
    form.require("old_ends")
    old = await page.ask("GET", _api(id))
    given = form.whole("old_ends", 168)
    hours = 24 if given is None else given
    own = {"API": ("scopes",), "SMTP": ("cram",)}.get(old["kind"], ())
    wanted = {name: old[name] for name in (*COPIED, *own)}
    made = await page.ask("POST", "/credentials", body=wanted, key=form.text("once"))
    if hours:
        end = page.now + timedelta(hours=hours)
        await page.ask("PATCH", _api(id), body={"expires_at": end.isoformat()})
    else:
        await page.ask("DELETE", _api(id))
    said = "The old key ends " + ("now" if not hours else f"in {hours} hours")
    return await _shown(page, made, said)


async def show_revoking(page: Page) -> HttpAnswer:
    """When it was used last."""
    return page.render("key_revoke.html", **await _one(page))


async def revoke_key(page: Page) -> HttpAnswer:
    """Revoke one."""
    said = "The key is revoked. Whoever still uses it gets an error within 30 seconds"
    return await do(page, f"{page.base}/keys", said, "DELETE", _api(page.values["id"]))


async def _day(page: Page) -> dict[str, int] | None:
    """How much mail came by each key in a day."""
    if not page.may("statistics:read"):
        return None
    query = {"period": "hour", "group_by": "credential", "limit": 100}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    if told is None:
        return None
    return {one["group"]: one["counts"]["outgoing"] for one in told["data"] if one["group"]}


async def _shown(page: Page, made: dict[str, Any], said: str) -> HttpAnswer:
    """The key, once, with how to send by it."""
    about, domains = await page.ask_all(
        ("GET", "/installation"), ("GET", "/domains", {"limit": 100})
    )
    about = _reached(page, about)
    verified = [one["name"] for one in (domains or {}).get("data", ()) if one["verified_at"]]
    sender = f"hello@{verified[0] if verified else 'your-domain.example'}"
    shown = []
    if made["kind"] == "API" and made["key"]:
        shown = by_api(page.public_url, made["key"], sender)
    elif made["key"] and about:
        smtp = about["smtp"]
        place = Submission(smtp["hostname"], smtp["submission"], str(page.tenant))
        shown = by_smtp(place, made["key"], sender)
    return page.render("key_made.html", made=made, snippets=shown, said=said, about=about)


def _reached(page: Page, about: dict[str, Any] | None) -> dict[str, Any] | None:
    """The installation; the local stack by the address at which it listens, as nobody resolves its name."""
    if about is None or not page.is_local:
        return about
    return {**about, "smtp": {**about["smtp"], "hostname": LOCAL_HOST}}


async def _one(page: Page) -> dict[str, Any]:
    key = await page.ask("GET", _api(page.values["id"]))
    used = key["last_used_at"]
    is_recent = used is not None and read_time(used) > page.now - RECENT
    return {
        "key": key,
        "kinds": KINDS,
        "old_ends": OLD_ENDS,
        "limits": LIMITS,
        "is_recent": is_recent,
        "once": page.request.request_id,
    }


def _form(page: Page) -> dict[str, Any]:
    mine = page.visitor.here.scopes
    kinds = [(kind, word) for kind, word in KINDS.items() if kind != "SMTP-IP"]
    if page.may("installation:write"):
        kinds.append(("SMTP-IP", KINDS["SMTP-IP"]))
    possible = [one for one in within(Reach.SERVER) if one in mine]
    is_sent = page.request.method == "POST"
    return {
        "kinds": kinds,
        "scopes": possible,
        "chosen": page.form.all("scopes") if is_sent else list(OF_A_SERVER_KEY),
        "everything": EVERYTHING,
        "once": page.form.text("once") or page.request.request_id,
    }


def _api(id: str) -> str:
    return f"/credentials/{quote(id, safe='')}"


_ONE = "/keys/{id}"
_READ, _WRITE = "servers:read", "servers:write"
ROWS = (
    of_server(
        "GET", "/keys", list_keys, _READ, "listCredentials", "showInstallation", "showStatistics"
    ),
    of_server("POST", "/keys", make_key, _WRITE, "createCredential"),
    of_server("GET", "/keys/new", show_new, _WRITE),
    of_server("GET", _ONE, show_key, _WRITE, "showCredential"),
    of_server("POST", _ONE, change_key, _WRITE, "changeCredential"),
    of_server("POST", f"{_ONE}/roll", roll_key, _WRITE, "createCredential", "changeCredential"),
    of_server("GET", f"{_ONE}/revoke", show_revoking, _WRITE, "showCredential"),
    of_server("POST", f"{_ONE}/revoke", revoke_key, _WRITE, "revokeCredential"),
)
