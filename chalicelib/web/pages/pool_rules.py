"""Rules by which mail takes another pool than its server's: of a server, and of an organization for all its servers."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
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
    form = page.form
    body = {"from": form.lines("from"), "to": form.lines("to"), "pool": form.text("pool")}
    try:
        await page.ask("POST", "/pool-rules", body=body)
    except Problem as problem:
        return page.again("pool_rules.html", problem, **await _values(page))
    return page.see_other(_path(page), f"Mail that fits goes out by the pool {body['pool']}")


async def remove_rule(page: Page) -> HttpAnswer:
    """Remove one."""
    path = f"/pool-rules/{quote(page.form.text('rule'), safe='')}"
    return await do(page, _path(page), "The rule is removed", "DELETE", path)


async def _values(page: Page) -> dict[str, Any]:
    query = {"limit": 100, "cursor": page.query("cursor")}
    found, organization = await asyncio.gather(
        page.ask("GET", "/pool-rules", query=query),
        page.ask_or(None, "GET", f"/organizations/{quote(page.values['org'], safe='')}"),
    )
    own = "server" if page.values.get("server") else "organization"
    pools = [(one, one) for one in (organization or {}).get("pools", ["default"])]
    return {"found": found, "pools": pools, "where": _path(page), "own": own}


def _path(page: Page) -> str:
    return f"{page.base}/{'settings/rules' if page.values.get('server') else 'ip_rules'}"


_READ, _WRITE = "servers:read", "servers:write"
ROWS = (
    *(Row("GET", path, list_rules, _READ, ("listPoolRules", "showOrganization")) for path in PATHS),
    *(Row("POST", path, add_rule, _WRITE, ("createPoolRule",)) for path in PATHS),
    *(Row("POST", f"{path}/remove", remove_rule, _WRITE, ("deletePoolRule",)) for path in PATHS),
)
