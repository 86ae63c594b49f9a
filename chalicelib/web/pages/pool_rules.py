"""Rules by which mail takes another pool than its server's: of a server, and of an organization for all its servers."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.domain.errors import NotFound
from chalicelib.web.asking import Problem
from chalicelib.web.doing import ORGANIZATION, do
from chalicelib.web.page import Page
from chalicelib.web.row import SERVER, Row

PATHS = (f"{SERVER}/settings/rules", f"{ORGANIZATION}/ip_rules")


async def list_rules(page: Page) -> HttpAnswer:
    """The rules in the order in which they are asked, and the form for another."""
    return page.render("pool_rules.html", **await _values(page))


async def add_rule(page: Page) -> HttpAnswer:
    """Add one."""
    body = _wanted(page)
    try:
        await page.ask("POST", "/pool-rules", body=body)
    except Problem as problem:
        return page.again("pool_rules.html", problem, **await _values(page))
    return page.see_other(_path(page), f"Mail that fits goes out by the pool {body['pool']}")


async def show_rule(page: Page) -> HttpAnswer:
    """One of them, to be changed."""
    return page.render("pool_rule.html", **await _one(page))


async def change_rule(page: Page) -> HttpAnswer:
    """Change one. NotFound for one of the organization on a page of its server."""
    one, body = await _one(page), _wanted(page)
    try:
        await page.ask("PATCH", f"/pool-rules/{page.part('id')}", body=body)
    except Problem as problem:
        return page.again("pool_rule.html", problem, **one)
    return page.see_other(_path(page), f"Mail that fits goes out by the pool {body['pool']}")


async def remove_rule(page: Page) -> HttpAnswer:
    """Remove one."""
    path = f"/pool-rules/{quote(page.form.text('rule'), safe='')}"
    return await do(page, _path(page), "The rule is removed", "DELETE", path)


def _wanted(page: Page) -> dict[str, Any]:
    form = page.form
    form.require("from", "to", "pool")
    return {"from": form.lines("from"), "to": form.lines("to"), "pool": form.text("pool")}


async def _values(page: Page) -> dict[str, Any]:
    query = {"limit": 100, "cursor": page.query("cursor")}
    found, pools = await asyncio.gather(page.ask("GET", "/pool-rules", query=query), _pools(page))
    return {"found": found, "pools": pools, "where": _path(page), "own": _own(page)}


async def _one(page: Page) -> dict[str, Any]:
    path = f"/pool-rules/{page.part('id')}"
    rule, pools = await asyncio.gather(page.ask("GET", path), _pools(page))
    if rule["scope"] != _own(page):
        raise NotFound("There is no such rule")
    if rule["pool"] not in dict(pools):
        pools.append((rule["pool"], rule["pool"]))
    return {"rule": rule, "pools": pools, "where": _path(page)}


async def _pools(page: Page) -> list[tuple[str, str]]:
    organization = await page.ask_or(None, "GET", f"/organizations/{page.part('org')}")
    return [(one, one) for one in (organization or {}).get("pools", ["default"])]


def _own(page: Page) -> str:
    return "server" if page.values.get("server") else "organization"


def _path(page: Page) -> str:
    return f"{page.base}/{'settings/rules' if page.values.get('server') else 'ip_rules'}"


_READ, _WRITE = "servers:read", "servers:write"
ROWS = (
    *(Row("GET", path, list_rules, _READ, ("listPoolRules", "showOrganization")) for path in PATHS),
    *(Row("POST", path, add_rule, _WRITE, ("createPoolRule",)) for path in PATHS),
    *(Row("POST", f"{path}/remove", remove_rule, _WRITE, ("deletePoolRule",)) for path in PATHS),
    *(
        Row("GET", f"{path}/{{id}}/edit", show_rule, _WRITE, ("showPoolRule", "showOrganization"))
        for path in PATHS
    ),
    *(
        Row("POST", f"{path}/{{id}}/edit", change_rule, _WRITE, ("changePoolRule",))
        for path in PATHS
    ),
)
