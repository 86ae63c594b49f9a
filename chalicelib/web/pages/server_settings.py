"""Settings of a server: a page a topic, what another retention would remove, suspending it, and its end."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.page import Page
from chalicelib.web.row import Row, of_server
from chalicelib.web.setting_fields import GENERAL, RETENTION, TOPICS, Topic

KEPT = tuple(one.name for one in RETENTION.fields)


async def show_settings(page: Page) -> HttpAnswer:
    """One topic."""
    values = await _values(page)
    if values["wrong"] is not None:
        return page.again("server_settings.html", values["wrong"], **values)
    return page.render("server_settings.html", **values)


async def change_settings(page: Page) -> HttpAnswer:
    """Save one topic; for the retention there is a button that looks first."""
    topic, is_operator = _topic(page), page.may("installation:write")
    if page.form.has("look"):
        given = {name: page.form.text(name) for name in KEPT}
        return page.see_other(f"{page.base}/settings/retention", None, **given)
    before = await page.ask("GET", _api(page))
    body = topic.wanted(page.form, is_operator=is_operator)
    try:
        after = await page.ask("PATCH", _api(page), body=body)
    except Problem as problem:
        return page.again("server_settings.html", problem, **await _values(page))
    changed = ", ".join(topic.changed(before, after))
    said = f"Saved: {changed}" if changed else "Nothing was changed"
    return page.see_other(f"{page.base}/settings{'/' if topic.name else ''}{topic.name}", said)


async def suspend(page: Page) -> HttpAnswer:
    """Hold all of its mail."""
    body = {"reason": page.form.text("reason")}
    try:
        await page.ask("POST", f"{_api(page)}/suspend", body=body)
    except Problem as problem:
        return page.again("server_settings.html", problem, **await _values(page))
    return page.see_other(f"{page.base}/settings", "Suspended. All of its mail is held")


async def lift(page: Page) -> HttpAnswer:
    """Let its mail go out again."""
    said = "Mail goes out again. What was held is released by hand"
    return await do(page, f"{page.base}/settings", said, "POST", f"{_api(page)}/unsuspend")


async def show_delete(page: Page) -> HttpAnswer:
    """What goes with it."""
    return page.render("server_delete.html", about=await page.ask("GET", _api(page)))


async def delete(page: Page) -> HttpAnswer:
    """Delete the server with all that it has."""
    query = {"confirm": page.form.text("confirm")}
    try:
        await page.ask("DELETE", _api(page), query=query)
    except Problem as problem:
        if problem.code != "confirmation_required":
            raise
        problem = Problem(422, {**problem.told, "errors": [_NOT_THE_NAME]})
        return page.again("server_delete.html", problem, about=await page.ask("GET", _api(page)))
    organization = quote(page.values["org"], safe="")
    return page.see_other(f"/org/{organization}", f"{page.values['server']} is deleted")


async def _values(page: Page) -> dict[str, Any]:
    topic = _topic(page)
    server = await page.ask("GET", _api(page))
    organization = preview = wrong = None
    if topic.name == "":
        where = f"/organizations/{quote(page.values['org'], safe='')}"
        organization = await page.ask_or(None, "GET", where)
    given = {name: page.query(name) for name in KEPT if page.query(name)}
    if topic.name == "retention":
        try:
            preview = await page.ask("GET", f"{_api(page)}/retention", query=given)
        except Problem as problem:
            wrong = problem if problem.errors else None
    pools = (organization or {}).get("pools") or [server["pool"]]
    return {
        "topic": topic,
        "topics": TOPICS,
        "about": server,
        "options": {"pool": [(one, one) for one in dict.fromkeys([*pools, server["pool"]])]},
        "is_operator": page.may("installation:write"),
        "given": given,
        "preview": preview,
        "wrong": wrong,
    }


def _topic(page: Page) -> Topic:
    """The topic of the page; suspending stands on that of the general settings."""
    return TOPICS.get(page.row.pattern.partition("/settings")[2].strip("/"), GENERAL)


def _api(page: Page) -> str:
    return f"/servers/{quote(page.values['org'], safe='')}/{quote(page.values['server'], safe='')}"


_NOT_THE_NAME = {"pointer": "/confirm", "detail": "is not the name that is wanted"}
_WRITE, _OPERATOR = "servers:write", "installation:write"


def _of_topic(topic: Topic) -> tuple[Row, Row]:
    path = f"/settings{'/' if topic.name else ''}{topic.name}"
    shows = ("showServer", "showRetention") if topic is RETENTION else ("showServer",)
    return (
        of_server("GET", path, show_settings, _WRITE, *shows),
        of_server("POST", path, change_settings, _WRITE, "changeServer"),
    )


ROWS = (
    *(row for topic in TOPICS.values() for row in _of_topic(topic)),
    of_server("GET", "/settings/delete", show_delete, _WRITE, "showServer"),
    of_server("POST", "/settings/delete", delete, _WRITE, "deleteServer"),
    of_server("POST", "/settings/suspend", suspend, _OPERATOR, "suspendServer"),
    of_server("POST", "/settings/lift", lift, _OPERATOR, "unsuspendServer"),
)
