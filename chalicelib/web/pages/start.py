"""The first ten minutes of a server: seven steps, each ticked by a fact and never by hand (docs/dashboard.md)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

SYSTEM = "system"
OF_PEOPLE = "us"  # how ids of users begin
NAMES = ("message", "domain", "records", "key", "application", "webhook", "live")


class Step(NamedTuple):
    """One step: whether it is done, and whether it is the first that is not."""

    name: str
    done: bool
    next: bool


async def show_start(page: Page) -> HttpAnswer:
    """What is done, and what comes next."""
    return page.render("start.html", **await _values(page))


async def go_live(page: Page) -> HttpAnswer:
    """Leave development mode, with an address for what goes wrong."""
    form = page.form
    form.require("postmaster_address")
    change = {"mode": "Live", "postmaster_address": form.text("postmaster_address") or None}
    try:
        await page.ask("PATCH", _api(page), body=change)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("start.html", problem, **await _values(page))
    return page.see_other(f"{page.base}/start", "This server is live: mail leaves")


async def hide(page: Page) -> HttpAnswer:
    """Leave the list out beside pages, or let it stand there again."""
    is_shown = page.form.has("show")
    await page.ask("PATCH", "/me", body={"preferences": {"first_steps": is_shown}})
    if is_shown:
        return page.see_other(f"{page.base}/start", "The list stands beside all pages again")
    return page.see_other(page.base, Flash("The list is hidden. It stays in Help"))


async def _values(page: Page) -> dict[str, Any]:
    newest = {"limit": 30, "direction": "outgoing"}
    server, emails, domains, keys, webhooks = await asyncio.gather(
        page.ask("GET", _api(page)),
        page.ask_or(None, "GET", "/emails", query=newest),
        page.ask_or(None, "GET", "/domains", query={"limit": 30}),
        page.ask_or(None, "GET", "/credentials", query={"limit": 100}),
        page.ask_or(None, "GET", "/webhooks", query={"limit": 1}),
    )
    mail, owned = _data(emails), _data(domains)
    own = {one["id"] for one in _data(keys)}
    from_outside = next((one for one in mail if _is_of_program(one.get("credential"), own)), None)
    done = {
        "message": bool(mail),
        "domain": bool(owned),
        "records": any(one["dns_ok"] for one in owned),
        "key": bool(_data(keys)),
        "application": from_outside is not None,
        "webhook": bool(_data(webhooks)),
        "live": server["mode"] == "Live" and bool(server["postmaster_address"]),
    }
    left = [name for name in NAMES if not done[name]]
    steps = {name: Step(name, done[name], name == left[0] if left else False) for name in NAMES}
    broken = next((one for one in owned if not one["dns_ok"]), None)
    return {
        "steps": steps,
        "about": server,
        "left": len(left),
        "broken": broken,
        "first": mail[-1] if mail else None,
        "from_outside": from_outside,
        "once": page.request.request_id,
    }


def _is_of_program(credential: str | None, keys: Collection[str]) -> bool:
    """Whether a message came with a key: not by a person on these pages, nor from the installation itself."""
    if not credential or credential in keys:
        return bool(credential)
    return credential != SYSTEM and not credential.startswith(OF_PEOPLE)


def _data(found: Any) -> list[Any]:
    return [] if found is None else list(found["data"])


def _api(page: Page) -> str:
    organization, server = page.values["org"], page.values["server"]
    return f"/servers/{quote(organization, safe='')}/{quote(server, safe='')}"


_ASKED = ("showServer", "listEmails", "listDomains", "listCredentials", "listWebhooks")
ROWS = (
    of_server("GET", "/start", show_start, "servers:read", *_ASKED),
    of_server("POST", "/start/hide", hide, "", "changeMe"),
    of_server("POST", "/start/live", go_live, "servers:write", "changeServer"),
)
