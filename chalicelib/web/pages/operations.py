"""Operations, which the API calls jobs: looked at before they begin, then their progress (docs/dashboard.md).

The page before says how many messages are meant, which would be left alone, and shows some; its button has the number.
A form that is sent twice shows the same operation.
"""

from __future__ import annotations

import asyncio
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web import answers
from chalicelib.web.asking import Problem
from chalicelib.web.bulk import (
    ASKED_ABOVE,
    VERBS,
    Chosen,
    acts_on,
    is_number,
    needs_number,
    title_of,
)
from chalicelib.web.flash import Flash
from chalicelib.web.frame import overview_of
from chalicelib.web.page import Page
from chalicelib.web.query_terms import terms_of
from chalicelib.web.row import of_server

SAMPLES = 5
PAGE = 30
MOST_NUMBER = 10**15
NO_NUMBER = "Type the number of messages"


async def show_choice(page: Page) -> HttpAnswer:
    """What would be done, with how many."""
    verb, chosen = page.query("verb"), Chosen.of(page.request.query)
    if verb not in VERBS or chosen.is_none:
        return page.see_other(f"{page.base}/messages", Flash("Choose messages first", "late"))
    allow = page.query("allow") == "1"
    try:
        values = await _preview(page, verb, chosen, allow=allow)
    except Problem as problem:
        if problem.status != 422:
            raise
        said = next(iter(problem.errors.values()), problem.detail)
        return page.see_other(f"{page.base}/messages", Flash(said, "bad"))
    return page.render("operation_new.html", **values)


async def _preview(page: Page, verb: str, chosen: Chosen, *, allow: bool) -> dict[str, Any]:
    body = {"type": verb, "dry_run": True, **chosen.wanted, **_allowed(verb, allow=allow)}
    preview, overview, endpoints = await asyncio.gather(
        page.ask("POST", "/jobs", body=body),
        overview_of(page) if VERBS[verb].sends else _nothing(),
        page.ask_or(None, "GET", "/endpoints", query={"limit": 100})
        if verb == "replay"
        else _nothing(),
    )
    number = acts_on(preview)
    return {
        "verb": verb,
        "what": VERBS[verb],
        "chosen": chosen,
        "terms": terms_of(chosen.q),
        "preview": preview,
        "number": number,
        "samples": await _samples(page, preview["sample"][:SAMPLES]),
        "takes": _seconds_at_limit(overview, number),
        "asks_number": needs_number(verb, preview),
        "allow": allow,
        "endpoints": [(one["id"], one["name"]) for one in endpoints["data"]] if endpoints else [],
        "key": page.form.text("key") or page.request.request_id,
    }


async def _nothing() -> None:
    return None


def _allowed(verb: str, *, allow: bool) -> dict[str, Any]:
    return {"allow": True} if allow and verb == "release" else {}


async def _samples(page: Page, ids: list[Any]) -> list[dict[str, Any]]:
    """Some of them, as the list shows them."""
    if not ids:
        return []
    found: list[dict[str, Any]] = []
    for direction in ("outgoing", "incoming"):
        query = {
            "q": " ".join(f"id:{one}" for one in ids),
            "direction": direction,
            "limit": SAMPLES,
        }
        part = await page.ask_or(None, "GET", "/emails", query=query)
        found += part["data"] if part else []
    return found[:SAMPLES]


def _seconds_at_limit(overview: Any, number: int) -> float | None:
    """How long so many take under the narrowest send limit; None where there is none."""
    seconds = {"hour": 3_600, "day": 86_400, "month": 30 * 86_400}
    rates = [one["limit"] / seconds[one["period"]] for one in (overview or {}).get("limits", ())]
    least = min(rates, default=0.0)
    return number / least if least > 0 else None


async def start(page: Page) -> HttpAnswer:
    """Begin it; whoever may lose many by it has typed their number."""
    form = page.form
    verb, chosen = form.text("verb"), Chosen.of(form.fields)
    if verb not in VERBS or chosen.is_none:
        return page.see_other(f"{page.base}/messages", Flash("Choose messages first", "late"))
    allow = form.has("allow")
    if (missing := await _missing_number(page, verb, chosen)) is not None:
        values = await _preview(page, verb, chosen, allow=allow)
        return page.again("operation_new.html", missing, **values)
    given = {"note": form.text("note"), "endpoint": form.text("endpoint")}
    more = {name: one for name, one in given.items() if one}
    body = {"type": verb, **chosen.wanted, **_allowed(verb, allow=allow), **more}
    try:
        job = await page.ask("POST", "/jobs", body=body, key=form.text("key"))
    except Problem as problem:
        if problem.status != 422:
            raise
        values = await _preview(page, verb, chosen, allow=allow)
        return page.again("operation_new.html", problem, **values)
    return page.see_other(f"{page.base}/operations/{job['id']}")


async def _missing_number(page: Page, verb: str, chosen: Chosen) -> Problem | None:
    """What is said when their number was to be typed and was not; that of the page on which it was read is good too."""
    if verb not in ("cancel", "bounce"):
        return None
    preview = await page.ask("POST", "/jobs", body={"type": verb, "dry_run": True, **chosen.wanted})
    if not needs_number(verb, preview):
        return None
    numbers = {acts_on(preview), page.form.whole("number", MOST_NUMBER) or 0}
    if any(one > ASKED_ABOVE and is_number(page.form.text("typed"), one) for one in numbers):
        return None
    errors = [{"pointer": "/typed", "detail": NO_NUMBER, "code": "required"}]
    return Problem(422, {"detail": NO_NUMBER, "errors": errors})


async def show_operations(page: Page) -> HttpAnswer:
    """Those of 30 days."""
    query = {"limit": PAGE, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/jobs", query=query)
    return page.render(
        "operations.html", found=found, cursor=page.query("cursor"), title_of=title_of
    )


async def show_operation(page: Page) -> HttpAnswer:
    """How far it is; a poll that has seen that already is told so."""
    job = await page.ask("GET", f"/jobs/{page.part('id')}")
    seen = f"{job['status']}-{job['matched']}-{job['done']}-{job['failed']}"
    if page.query("seen") == seen:
        return answers.nothing_new()
    result = job["result"] or {}
    given = job["parameters"].get("filter") or {}
    return page.render(
        "operation.html",
        job=job,
        title=title_of(job["type"]),
        seen=seen,
        given=given,
        is_of_messages=job["type"] in VERBS,
        is_open=job["status"] in ("queued", "running"),
        again=[one["id"] for one in job["errors"] if isinstance(one["id"], int)],
        download=result.get("url") if job["type"] == "export" else None,
        result=result,
    )


async def stop(page: Page) -> HttpAnswer:
    """Stop it; what was done stays."""
    here = f"{page.base}/operations/{page.part('id')}"
    try:
        await page.ask("POST", f"/jobs/{page.part('id')}/stop")
    except Problem as problem:
        if problem.status != 409:
            raise
        return page.see_other(here, Flash(problem.detail, "bad"))
    return page.see_other(here, "It stops within five seconds; what was done stays")


ROWS = (
    of_server("GET", "/operations/new", show_choice, "emails:write", "startJob"),
    of_server("GET", "/operations", show_operations, "emails:read", "listJobs"),
    of_server("GET", "/operations/{id}", show_operation, "emails:read", "showJob"),
    of_server("POST", "/operations", start, "emails:write", "startJob"),
    of_server("POST", "/operations/{id}/stop", stop, "emails:read", "stopJob"),
)
