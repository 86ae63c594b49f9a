"""Suppressions in and out as files: an import is looked at before it is done, an export is a job.

A file that is too large to stand in the page that shows what it would do is chosen a second time, and looked at again
when it is another one.
"""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import of_both
from chalicelib.web.page import Page
from chalicelib.web.pages.suppressions import REASONS
from chalicelib.web.row import FILE_FORM, of_server

KEPT_IN_PAGE = 40_000  # characters


async def show_import(page: Page) -> HttpAnswer:
    """The form."""
    return page.render("suppression_import.html", reasons=REASONS, preview=None, csv="")


async def import_file(page: Page) -> HttpAnswer:
    """First what it would do; then do it."""
    text = page.form.raw("file").strip("\x00") or page.form.raw("csv")
    given: dict[str, Any] = {"type": "import_suppressions", "csv": text, "scope": "server"}
    if page.form.text("reason"):
        given["reason"] = page.form.text("reason")
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
    is_meant = page.form.has("meant") and page.form.text("digest") in ("", digest)
    try:
        told = await page.ask("POST", "/jobs", body={**given, "dry_run": not is_meant})
    except Problem as problem:
        values = {"reasons": REASONS, "preview": None, "csv": page.form.raw("csv")[:KEPT_IN_PAGE]}
        return page.again("suppression_import.html", problem, **values)
    if is_meant:
        return page.see_other(f"{page.base}/operations/{told['id']}", "The import has begun")
    is_kept = len(text) <= KEPT_IN_PAGE
    return page.render(
        "suppression_import.html",
        reasons=REASONS,
        preview=told,
        csv=text if is_kept else "",
        digest="" if is_kept else digest,
        another=page.form.has("meant"),
    )


async def export_list(page: Page) -> HttpAnswer:
    """Export what the list shows."""
    chosen = {name: page.form.text(name) for name in ("address", "reason") if page.form.text(name)}
    body = {"type": "export", "what": "suppressions", "filter": chosen, "format": "csv"}
    made = await page.ask("POST", "/jobs", body=body)
    return page.see_other(f"{page.base}/operations/{made['id']}", "The export has begun")


_READ, _WRITE = "suppressions:read", "suppressions:write"
ROWS = (
    of_server("GET", "/suppressions/import", show_import, _WRITE),
    of_server(
        "POST",
        "/suppressions/import",
        import_file,
        _WRITE,
        "startJob",
        largest=FILE_FORM,
    ),
    *of_both("POST", "/suppressions/export", export_list, _READ, "startJob"),
)
