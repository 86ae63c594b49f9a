"""The audit log: who changed what, before and after, whether it is as it was written, and taking it along."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.chain import Verdict, verdict
from chalicelib.web.doing import of_both
from chalicelib.web.fields import moment
from chalicelib.web.page import Page

FILTERS = ("actor", "action", "object", "since", "until")
LOOKED_AT = 5  # pages of a hundred entries


async def list_audit(page: Page) -> HttpAnswer:
    """Entries, newest first; with `verify` whether the newest of them hold together."""
    chosen = {name: page.query(name) for name in FILTERS}
    query = {**chosen, "limit": 25, "cursor": page.query("cursor")}
    query |= {name: _midnight(chosen[name]) for name in ("since", "until")}
    values: dict[str, Any] = {"chosen": chosen, "verdict": None}
    try:
        found = await page.ask("GET", "/audit", query=query)
    except Problem as problem:
        if not problem.errors:
            raise
        return page.again("audit.html", problem, found=None, rows=[], **values)
    if page.query("verify"):
        values["verdict"] = await _verified(page)
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


async def _verified(page: Page) -> Verdict:
    entries: list[Mapping[str, Any]] = []
    cursor = None
    for _ in range(LOOKED_AT):
        found = await page.ask("GET", "/audit", query={"limit": 100, "cursor": cursor})
        entries += found["data"]
        cursor = found["next_cursor"]
        if cursor is None:
            break
    return verdict(entries, is_whole=page.values.get("server") is None)


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
