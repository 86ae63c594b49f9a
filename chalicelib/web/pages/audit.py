"""The audit log: who changed what, before and after, whether it is as it was written, and taking it along."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.chain import verdict
from chalicelib.web.doing import of_both
from chalicelib.web.fields import moment
from chalicelib.web.page import Page

FILTERS = ("actor", "action", "object", "since", "until")
LOOKED_AT, PIECE = 5, 100  # lists of so many entries
_COUNT = re.compile(r"[0-9]{1,9}")
_NEWER = re.compile(r"([0-9]{1,12})-([0-9a-f]{64})")


async def list_audit(page: Page) -> HttpAnswer:
    """Entries, newest first; with `verify` whether they hold together, some at a time, on to the oldest."""
    chosen = {name: page.query(name) for name in FILTERS}
    query = {**chosen, "limit": 25, "cursor": page.query("cursor")}
    query |= {name: _midnight(chosen[name]) for name in ("since", "until")}
    values: dict[str, Any] = {"chosen": chosen, "verdict": None, "onward": None, "looked": 0}
    try:
        found = await page.ask("GET", "/audit", query=query)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("audit.html", problem, found=None, rows=[], **values)
    if page.query("verify"):
        values |= await _verified(page)
    rows = [(one, _changes(one)) for one in found["data"]]
    return page.render("audit.html", found=found, rows=rows, **values)


async def export_audit(page: Page) -> HttpAnswer:
    """Export what the list shows."""
    form = page.form
    chosen: dict[str, Any] = {
        name: form.text(name) for name in ("actor", "action", "object") if form.text(name)
    }
    chosen |= {name: moment(form, name) for name in ("since", "until") if form.text(name)}
    body = {"type": "export", "what": "audit", "filter": chosen, "format": "ndjson"}
    made = await page.ask("POST", "/jobs", body=body)
    return page.see_other(f"{page.base}/operations/{made['id']}", "The export has begun")


async def _verified(page: Page) -> dict[str, Any]:
    """Whether some entries hold together, from where the page before ended, and where the next one goes on."""
    entries: list[Mapping[str, Any]] = []
    cursor: str | None = page.query("behind") or None
    after = _entry_before(page) if cursor else None
    before = int(page.query("looked")) if cursor and _COUNT.fullmatch(page.query("looked")) else 0
    for _ in range(LOOKED_AT):
        found = await page.ask("GET", "/audit", query={"limit": PIECE, "cursor": cursor})
        entries += found["data"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    found = verdict(entries, is_whole=page.values.get("server") is None, after=after)
    looked = before + found.looked_at
    onward = None
    if cursor is not None and not found.broken:
        last = entries[-1] if entries else after
        onward = {"verify": 1, "behind": cursor, "looked": looked}
        if last is not None:
            onward |= {"newer": f"{last['id']}-{last['previous']}"}
    return {"verdict": found, "looked": looked, "onward": onward}


def _entry_before(page: Page) -> Mapping[str, Any] | None:
    """The oldest entry that the page before has looked at, as far as the next is held beside it."""
    found = _NEWER.fullmatch(page.query("newer"))
    return None if found is None else {"id": found[1], "previous": found[2]}


def _midnight(day: str) -> str:
    """A date as its beginning, in UTC; what is no date as it is."""
    return f"{day}T00:00:00Z" if len(day) == 10 else day


def _changes(entry: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """What was changed: the field, before, and after."""
    before, after = entry["before"] or {}, entry["after"] or {}
    names = sorted(before.keys() | after.keys())
    return [(name, _said(before, name), _said(after, name)) for name in names]


def _said(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return ""
    value = values[name]
    if value == "***":
        return "changed"
    if value in (None, "", []):
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return json.dumps(value) if isinstance(value, list | dict) else str(value)


_READ = "audit:read"
ROWS = (
    *of_both("GET", "/audit", list_audit, _READ, "listAudit"),
    *of_both("POST", "/audit/export", export_audit, _READ, "startJob"),
)
