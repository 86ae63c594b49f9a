"""Suppressed addresses: who is not written to and why, adding and allowing again, and the page of one address."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do, of_both
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page

Entry = Mapping[str, Any]
# What a reason is called, its tone and icon; in the order of the chips.
REASONS = {
    "hard_fails": ("No such mailbox", "bad", "failed"),
    "soft_fails": ("Gave up", "late", "late"),
    "bounce": ("Bounced", "bad", "bounced"),
    "complaint": ("Complained", "held", "suppressed"),
    "unsubscribe": ("Unsubscribed", "held", "suppressed"),
    "manual": ("By hand or import", "idle", "audit"),
}
ASKED_FOR = (
    "complaint",
    "unsubscribe",
)  # the recipient wanted it: allowing them again is explained
FOR = (("", "as the settings say"), ("never", "ever"), ("30", "30 days"), ("365", "1 year"))
MOST_DAYS = 3_650


async def list_suppressions(page: Page) -> HttpAnswer:
    """The list, by reason or address."""
    return page.render("suppressions.html", **await _list(page))


async def add_suppression(page: Page) -> HttpAnswer:
    """Suppress one; or, by Undo, as it was before."""
    form = page.form
    body = {
        "address": form.text("address"),
        "reason": form.text("reason") or "manual",
        "note": form.text("note") or None,
        "expires_at": _until(page),
        "scope": form.text("scope") or None,
        "stream": form.text("stream") or None,
    }
    try:
        made = await page.ask("POST", "/suppressions", body=body)
    except Problem as problem:
        return page.again("suppressions.html", problem, **await _list(page))
    address = made["address"]
    undo = f"{_path(page, address)}/allow"
    said = Flash(f"{_short(address)} is suppressed", undo=undo, fields=_scope_of(made))
    return page.see_other(f"{page.base}/suppressions", said)


async def show_address(page: Page) -> HttpAnswer:
    """Every entry of an address, its messages, and what is held for it."""
    return page.render("suppression.html", **await _one(page))


async def show_allowing(page: Page) -> HttpAnswer:
    """Why somebody who complained or unsubscribed is written to again."""
    return page.render("suppression_allow.html", **await _allowed(page))


async def allow_again(page: Page) -> HttpAnswer:
    """Take an entry off; one that the recipient asked for with a reason."""
    address, form = page.values["address"], page.form
    path = f"/suppressions/{quote(address, safe='')}"
    where = {"scope": form.text("scope"), "stream": form.text("stream")}
    entry = await page.ask("GET", path, query=where)
    if entry["reason"] in ASKED_FOR and not form.text("note"):
        told = {"errors": [{"pointer": "/note", "detail": "say why they want mail again"}]}
        wrong = Problem(422, told) if form.has("note") else None
        if wrong is None:
            return page.see_other(f"{_path(page, address)}/allow", **where)
        return page.again("suppression_allow.html", wrong, **await _allowed(page))
    query = {**where, "note": form.text("note")}
    await page.ask("DELETE", path, query=query)
    kept = (("reason", entry["reason"]), ("note", entry["note"] or ""), *_scope_of(entry))
    undo = Flash(
        f"{_short(address)} may be written to again",
        undo=f"{page.base}/suppressions",
        fields=(("address", entry["address"]), ("for", entry["expires_at"] or "never"), *kept),
    )
    return page.see_other(_path(page, address), undo)


async def release_held(page: Page) -> HttpAnswer:
    """Release what was held for an address."""
    address = page.values["address"]
    body = {"type": "release", "filter": {"q": _held_for(address)}}
    said = f"What was held for {_short(address)} is being released"
    return await do(page, _path(page, address), said, "POST", "/jobs", body=body)


async def _list(page: Page) -> dict[str, Any]:
    chosen = {"address": page.query("address"), "reason": page.query("reason")}
    query = {**chosen, "limit": 30, "cursor": page.query("cursor")}
    found = await page.ask("GET", "/suppressions", query=query)
    counts = await page.ask_or(None, "GET", "/suppressions/counts")
    return {
        "found": found,
        "counts": counts,
        "total": None if counts is None else sum(counts.values()),
        "chosen": chosen,
        "reasons": REASONS,
        "periods": FOR,
        "asked_for": ASKED_FOR,
    }


async def _one(page: Page) -> dict[str, Any]:
    address = page.values["address"]
    found = await page.ask("GET", "/suppressions", query={"address": address, "limit": 30})
    sent = held = None
    if page.values.get("server") and page.may("emails:read") and not address.startswith("*@"):
        asked = {"direction": "outgoing"}
        sent, held = await page.ask_all(
            ("GET", "/emails", {**asked, "to": address, "limit": 10}),
            ("GET", "/emails", {**asked, "q": _held_for(address), "limit": 100}),
        )
    return {
        "address": address,
        "entries": found["data"],
        "sent": sent,
        "held": held,
        "reasons": REASONS,
        "asked_for": ASKED_FOR,
    }


async def _allowed(page: Page) -> dict[str, Any]:
    address = page.values["address"]
    given = page.form if page.request.method == "POST" else None
    scope = given.text("scope") if given else page.query("scope")
    stream = given.text("stream") if given else page.query("stream")
    query = {"scope": scope, "stream": stream}
    path = f"/suppressions/{quote(address, safe='')}"
    return {"entry": await page.ask("GET", path, query=query), "reasons": REASONS}


def _until(page: Page) -> str | None:
    """Days from now; or a time, or `never`, as the API takes it."""
    days = page.form.whole("for", MOST_DAYS)
    if days is not None:
        return (page.now + timedelta(days=days)).isoformat()
    return page.form.text("for") or None


def _scope_of(entry: Entry) -> tuple[tuple[str, str], ...]:
    return ("scope", entry["scope"]), ("stream", entry["stream"] or "")


def _held_for(address: str) -> str:
    """The search for what is held for an address."""
    quoted = address.replace('"', '\\"')
    return f'status:held to:"{quoted}"'


def _short(address: str) -> str:
    return address if len(address) <= 80 else f"{address[:79]}…"


def _path(page: Page, address: str) -> str:
    return f"{page.base}/suppressions/{quote(address, safe='')}"


_ONE = "/suppressions/{address}"
_READ, _WRITE = "suppressions:read", "suppressions:write"
ROWS = (
    *of_both(
        "GET", "/suppressions", list_suppressions, _READ, "listSuppressions", "countSuppressions"
    ),
    *of_both("POST", "/suppressions", add_suppression, _WRITE, "addSuppression"),
    *of_both("GET", _ONE, show_address, _READ, "listSuppressions", "listEmails"),
    *of_both("GET", f"{_ONE}/allow", show_allowing, _WRITE, "showSuppression"),
    *of_both("POST", f"{_ONE}/allow", allow_again, _WRITE, "showSuppression", "deleteSuppression"),
    *of_both("POST", f"{_ONE}/release", release_held, "emails:write", "startJob"),
)
