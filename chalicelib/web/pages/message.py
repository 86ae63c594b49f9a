"""One message: why it waits, what happened, and everything about it (docs/dashboard.md)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web import answers
from chalicelib.web.message_verbs import right_of, verbs_of
from chalicelib.web.page import Page
from chalicelib.web.reasons import reason_of
from chalicelib.web.row import of_server
from chalicelib.web.timeline import timeline
from chalicelib.web.words import read_time

SOON, OFTEN, SELDOM = 120, 3, 30  # seconds
YOUNG = 60
_VERSIONED = (
    "status",
    "held",
    "tries",
    "wait",
    "last_attempt_at",
    "next_attempt_at",
    "opens",
    "clicks",
    "reports",
    "resent_as",
)
_NUMBER = re.compile(r"[0-9]{1,18}")


async def show_message(page: Page) -> HttpAnswer:
    """What happened to it; a poll that has seen all of it already is told so."""
    email = await page.ask("GET", f"/emails/{page.part('id')}")
    version = version_of(email)
    if page.query("seen") == version:
        return answers.nothing_new()
    number = email["id"]
    log, hooks, others, talk = await asyncio.gather(
        page.ask_or(None, "GET", f"/emails/{number}/deliveries"),
        page.ask_or(None, "GET", "/webhook-deliveries", query={"email": number, "limit": 20}),
        _others(page, email),
        _conversation(page, number),
    )
    deliveries = log["data"] if log else []
    events = timeline(
        email, deliveries, hooks["data"] if hooks else (), folds=page.query("whole") != "1"
    )
    oldest_first = is_oldest_first(page)
    return page.render(
        "message.html",
        **head_of(page, email, ""),
        reason=reason_of(email, deliveries),
        answer=_answer(deliveries),
        events=events[::-1] if oldest_first else events,
        oldest_first=oldest_first,
        log_failed=log is None,
        others=[one for one in others["data"] if one["id"] != number] if others else [],
        talk=talk,
        talked=page.query("conversation"),
        attempts=sum(1 for one in events if one.kind == "attempt"),
        version=version,
        every=every(email, page.now.timestamp()),
    )


def head_of(page: Page, email: Mapping[str, Any], tab: str) -> dict[str, Any]:
    """What the frame of all pages of a message shows."""
    is_operator = page.may("installation:write")
    verbs = verbs_of(email, is_operator=is_operator) if page.may("emails:read") else ()
    return {
        "email": email,
        "tab": tab,
        "here": f"{page.base}/messages/{email['id']}",
        "verbs": [verb for verb in verbs if page.may(right_of(verb))],
    }


def version_of(email: Mapping[str, Any]) -> str:
    """What changes whenever the page would say something else."""
    told = json.dumps([email[name] for name in _VERSIONED], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def every(email: Mapping[str, Any], now: float) -> int:
    """Seconds between polls; 0 when nothing more is to come."""
    wait = email["wait"]
    if wait is None:
        return 0
    due = email["next_attempt_at"] or wait["until"]
    is_soon = due is not None and read_time(due).timestamp() - now <= SOON and not email["held"]
    is_young = now - read_time(email["received_at"]).timestamp() <= YOUNG
    return OFTEN if is_soon or is_young or wait["code"] == "in_progress" else SELDOM


def is_oldest_first(page: Page) -> bool:
    """The order of the timeline: as asked, else as the account has it."""
    asked = page.query("order")
    if asked in ("oldest", "newest"):
        return asked == "oldest"
    person = getattr(page.signed_in, "person", None)
    return person is not None and not getattr(person.user, "newest_first", True)


async def _others(page: Page, email: Mapping[str, Any]) -> Any:
    """The messages of the same request, where the API names it."""
    request = email.get("request")
    if request is None:
        return None
    query = {"request": request, "direction": email["direction"], "limit": 30}
    return await page.ask_or(None, "GET", "/emails", query=query)


async def _conversation(page: Page, number: int) -> Any:
    """The conversation of the attempt that is asked for, if it is kept."""
    asked = page.query("conversation")
    if _NUMBER.fullmatch(asked) is None:
        return None
    return await page.ask_or(None, "GET", f"/emails/{number}/deliveries/{asked}/conversation")


def _answer(deliveries: list[dict[str, Any]]) -> str:
    """The receiver's own words at the last attempt that has some."""
    return next((one["output"] for one in reversed(deliveries) if one["output"]), "")


ROWS = (
    of_server("GET", "/messages/{id}", show_message, "emails:read", "showEmail", "listDeliveries"),
)
