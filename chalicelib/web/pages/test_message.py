"""Sending a test message, and having one come in as if somebody had sent it (docs/dashboard.md).

After sending the message's own page shows what becomes of it.
"""

from __future__ import annotations

import asyncio
import base64
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.frame import overview_of
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

INCOMING = "incoming"
SUBJECT = "A test message"
TEXT = "This is a test message, sent by hand from the dashboard.\n"
ATTACHED = base64.b64encode(b"A small file that came along with a test message.\n").decode()
# What the local inbox does with mail to an address that ends so (docs/local-stack.md).
MAGIC = (
    ("", "takes it"),
    ("+550", "refuses the recipient, 550"),
    ("+451", "asks to come back later, 451"),
    ("+data-554", "refuses the content, 554"),
    ("+greylist", "asks to come back in a minute"),
    ("+slow", "takes two seconds for each reply"),
    ("+timeout", "never answers"),
    ("+drop-data", "breaks the connection"),
    ("+drop-reply", "breaks it after the end: nobody knows"),
    ("+bounce-later", "takes it, then sends a bounce"),
    ("+complain", "takes it, then complains"),
)
_FIELDS = ("from", "to", "subject", "text", "html", "tag")


async def show_form(page: Page) -> HttpAnswer:
    """The form of one direction."""
    if page.query("direction") == INCOMING:
        return page.render("test_incoming.html", **await _of_incoming(page))
    return page.render("test_message.html", **await _of_outgoing(page))


async def _of_outgoing(page: Page) -> dict[str, Any]:
    domains, overview = await asyncio.gather(
        page.ask_or(None, "GET", "/domains", query={"limit": 100}), overview_of(page)
    )
    names = [one["name"] for one in (domains or {"data": ()})["data"] if one["verified_at"]]
    given = {name: page.form.text(name) for name in _FIELDS}
    if not page.form.fields:
        person = page.person
        given |= {
            "from": f"test@{names[0]}" if names else "",
            "to": person.user.email if person is not None else "",
            "subject": SUBJECT,
            "text": TEXT,
        }
    return {
        "given": given,
        "names": names,
        "domains_failed": domains is None,
        "mode": overview["status"] if overview else "",
        "magic": MAGIC if page.is_local else (),
        "key": page.form.text("key") or page.request.request_id,
    }


async def _of_incoming(page: Page) -> dict[str, Any]:
    routes = await page.ask_or(None, "GET", "/routes", query={"limit": 100})
    found = [one for one in (routes or {"data": ()})["data"] if one["address"]]
    given = {name: page.form.text(name) for name in ("route", "from", "subject", "text")}
    if not page.form.fields:
        person = page.person
        given |= {
            "route": page.query("route"),
            "from": person.user.email if person is not None else "",
            "subject": SUBJECT,
            "text": TEXT,
        }
    return {
        "given": given,
        "routes": [(one["id"], one["address"]) for one in found],
        "routes_failed": routes is None,
        "key": page.form.text("key") or page.request.request_id,
    }


async def send(page: Page) -> HttpAnswer:
    """Send it, as any other message is sent."""
    form = page.form
    body: dict[str, Any] = {
        name: form.text(name) for name in ("from", "subject", "tag") if form.text(name)
    }
    body |= {name: form.raw(name) for name in ("text", "html") if form.text(name)}
    body["to"] = [_magic(one, form.text("magic")) for one in form.text("to").split(",") if one]
    if form.has("attachment"):
        body["attachments"] = [
            {"filename": "test.txt", "content": ATTACHED, "content_type": "text/plain"}
        ]
    try:
        made = await page.ask("POST", "/emails", body=body, key=form.text("key"))
    except Problem as problem:
        if problem.code == "sender_refused":
            problem = _wrong("from", problem.detail)
        if problem.status not in (409, 422, 429):
            raise
        return page.again("test_message.html", _flat(problem), **await _of_outgoing(page))
    return page.see_other(f"{page.base}/messages/{made['id']}", "It was accepted")


async def send_first(page: Page) -> HttpAnswer:
    """A message from the installation's own address to whoever looks: it needs no domain."""
    try:
        made = await page.ask("POST", "/emails/test", key=page.form.text("key"))
    except Problem as problem:
        if problem.status not in (409, 422, 429, 503):
            raise
        return page.again("test_message.html", problem, **await _of_outgoing(page))
    return page.see_other(f"{page.base}/messages/{made['id']}", "It was accepted")


async def simulate(page: Page) -> HttpAnswer:
    """Have one come in by a route."""
    form = page.form
    body = {name: form.text(name) for name in ("from", "subject") if form.text(name)}
    body["text"] = form.raw("text")
    route = form.text("route")
    if not route.isalnum():
        problem = _wrong("route", "Choose a route")
        return page.again("test_incoming.html", problem, **await _of_incoming(page))
    try:
        made = await page.ask("POST", f"/routes/{route}/simulate", body=body, key=form.text("key"))
    except Problem as problem:
        if problem.status == 404:
            problem = _wrong("route", "This route is not there any more")
        if problem.status not in (409, 422, 429):
            raise
        return page.again("test_incoming.html", _flat(problem), **await _of_incoming(page))
    return page.see_other(f"{page.base}/messages/{made['id']}", "It came in")


def _magic(address: str, ending: str) -> str:
    """The address at which the local inbox does what was chosen."""
    address = address.strip()
    local, at, domain = address.rpartition("@")
    known = ending in dict(MAGIC)
    return f"{local}{ending}{at}{domain}" if at and known else address


def _flat(problem: Problem) -> Problem:
    """The same, said of the field of the form: what is wrong with one of several recipients is wrong with `to`."""
    errors = [
        {**one, "pointer": "/" + one["pointer"].strip("/").partition("/")[0]}
        for one in problem.told.get("errors") or ()
    ]
    return Problem(problem.status, {**problem.told, "errors": errors})


def _wrong(field: str, said: str) -> Problem:
    return Problem(422, {"detail": said, "errors": [{"pointer": f"/{field}", "detail": said}]})


_NEW = "/messages/new"
ROWS = (
    of_server("GET", _NEW, show_form, "emails:send", "listDomains", "showOverview", "listRoutes"),
    of_server("POST", _NEW, send, "emails:send", "sendEmail"),
    of_server("POST", f"{_NEW}/first", send_first, "emails:send", "sendTest"),
    of_server("POST", f"{_NEW}/incoming", simulate, "emails:send", "simulateRoute"),
)
