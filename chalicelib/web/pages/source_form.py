"""Changing a way out: where it leads, by which name it speaks, and how often it is taken."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.fields import number
from chalicelib.web.page import Page
from chalicelib.web.row import Row

TEXTS = ("address", "address6", "host", "username", "ehlo")


async def show_source(page: Page) -> HttpAnswer:
    """The form to change it."""
    return page.render("admin_source.html", source=await _source(page, page.query("pool")))


async def change_source(page: Page) -> HttpAnswer:
    """Change it. What is left out of a text is none; a password stays as it is unless another is typed."""
    form, pool = page.form, page.form.text("pool")
    form.require(*TEXTS, "tls", "port", "priority")
    change: dict[str, Any] = {name: form.text(name) for name in TEXTS}
    change["tls"] = form.text("tls") or "opportunistic"
    port, priority = number(form, "port"), number(form, "priority")
    change["port"] = 0 if port is None else port
    if priority is not None:
        change["priority"] = priority
    if form.raw("password"):
        change["password"] = form.raw("password")
    try:
        await page.ask("PATCH", _api(page), query={"pool": pool}, body=change)
    except Problem as problem:
        if problem.status == 404:
            raise
        source = await _source(page, pool)
        return page.again("admin_source.html", problem, source=source)
    return page.see_other("/admin/sources", f"{page.values['source']} is changed")


async def _source(page: Page, pool: str) -> Any:
    return await page.ask("GET", _api(page), query={"pool": pool})


def _api(page: Page) -> str:
    return f"/sources/{quote(page.values['source'], safe='')}"


_ONE = "/admin/sources/{source}/edit"
ROWS = (
    Row("GET", _ONE, show_source, "installation:read", ("showSource",)),
    Row("POST", _ONE, change_source, "installation:write", ("changeSource",)),
)
