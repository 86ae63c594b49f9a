"""What is done with one message by hand: each verb a form, and a page before those that cannot be taken back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.flash import Flash
from chalicelib.web.message_verbs import done
from chalicelib.web.page import Page
from chalicelib.web.pages.message import head_of
from chalicelib.web.rendering import zone_of
from chalicelib.web.row import Row, of_server

_ONE = "/messages/{id}"
_GONE = (403, 404, 401)


def _form_of(verb: str) -> Any:
    """The page that says what will happen, with the button that does it."""

    async def show(page: Page) -> HttpAnswer:
        email = await page.ask("GET", f"/emails/{page.part('id')}")
        return page.render("message_act.html", **await _of(page, email, verb))

    show.__doc__ = f"What {verb} will do."
    return show


async def _of(page: Page, email: dict[str, Any], verb: str) -> dict[str, Any]:
    endpoints = []
    if verb == "replay":
        found = await page.ask_or(None, "GET", "/endpoints", query={"limit": 100})
        endpoints = [(one["id"], one["name"]) for one in found["data"]] if found else []
    key = page.form.text("key") or page.request.request_id
    return {**head_of(page, email, "act"), "verb": verb, "endpoints": endpoints, "key": key}


def _doing(verb: str) -> Any:
    """The form of a verb. What the API says against it stands on the message's page."""

    async def do(page: Page) -> HttpAnswer:
        here = f"{page.base}/messages/{page.part('id')}"
        path = f"/emails/{page.part('id')}/{verb}"
        try:
            made = await page.ask("POST", path, body=_body(page, verb), key=page.form.text("key"))
        except Problem as problem:
            if problem.status in _GONE:
                raise
            return page.see_other(here, Flash(problem.detail, "bad"))
        if verb == "resend":
            here = f"{page.base}/messages/{made['id']}"
        return page.see_other(here, done(verb))

    do.__doc__ = f"Do {verb}."
    return do


def _body(page: Page, verb: str) -> dict[str, Any] | None:
    form = page.form
    if verb == "release":
        note = {"note": form.text("note")} if form.text("note") else {}
        return {"allow": True, **note} if form.has("allow") else note
    if verb == "replay":
        return {"endpoint": form.text("endpoint") or None}
    return None


async def reschedule(page: Page) -> HttpAnswer:
    """Another time for scheduled mail, or now."""
    path, form = f"/emails/{page.part('id')}", page.form
    at = None if form.has("now") else _instant(page, form.text("scheduled_at"))
    try:
        await page.ask("PATCH", path, body={"scheduled_at": at})
    except Problem as problem:
        if problem.status == 409:
            here = f"{page.base}/messages/{page.part('id')}"
            return page.see_other(here, Flash(problem.detail, "bad"))
        if problem.status != 422:
            raise
        email = await page.ask("GET", path)
        return page.again("message_act.html", problem, **await _of(page, email, "reschedule"))
    return page.see_other(f"{page.base}/messages/{page.part('id')}", done("reschedule"))


def _instant(page: Page, text: str) -> str:
    """What a browser's field of date and time holds, in the zone of whoever looks; of anything else the API says so."""
    try:
        there = datetime.fromisoformat(text)
    except ValueError:
        return text
    if there.tzinfo is None:
        there = there.replace(tzinfo=zone_of(page.zone))
    return there.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _row(verb: str, operation: str, right: str = "emails:write") -> Row:
    return of_server("POST", f"{_ONE}/{verb}", _doing(verb), right, operation)


_ASKED = ("cancel", "bounce", "resend", "replay", "reschedule")
ROWS = (
    *(
        of_server(
            "GET",
            f"{_ONE}/{verb}",
            _form_of(verb),
            "emails:send" if verb == "resend" else "emails:write",
            "showEmail",
        )
        for verb in _ASKED
    ),
    _row("retry", "retryEmail"),
    _row("hold", "holdEmail"),
    _row("release", "releaseEmail"),
    _row("cancel", "cancelEmail"),
    _row("bounce", "bounceEmail"),
    _row("replay", "replayEmail"),
    _row("resend", "resendEmail", "emails:send"),
    of_server("POST", f"{_ONE}/reschedule", reschedule, "emails:write", "rescheduleEmail"),
)
