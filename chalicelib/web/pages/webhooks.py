"""Webhooks: the list, the form, and the page of one with what was posted to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.doing import do
from chalicelib.web.event_samples import sample
from chalicelib.web.event_words import EVENTS, answer_words
from chalicelib.web.fields import all_or_some, number
from chalicelib.web.flash import Flash
from chalicelib.web.page import Page
from chalicelib.web.row import of_server

Webhook = Mapping[str, Any]
CHOSEN = tuple(one for one in EVENTS if one != "webhook.test")
STATUSES = (("", "All"), ("failed", "Failed"), ("waiting", "Waiting"), ("delivered", "Delivered"))


async def list_webhooks(page: Page) -> HttpAnswer:
    """Each with how its day was."""
    query = {"limit": 30, "cursor": page.query("cursor")}
    found, counted = await asyncio.gather(page.ask("GET", "/webhooks", query=query), _day(page))
    rows = [(one, state_of(one, (counted or {}).get(one["id"]))) for one in found["data"]]
    return page.render("webhooks.html", found=found, rows=rows, counted=counted)


async def show_new(page: Page) -> HttpAnswer:
    """The form for a new one."""
    return page.render("webhook_form.html", **_form(None))


async def make_webhook(page: Page) -> HttpAnswer:
    """Make one. The answer to the form shows its secret; sent again, the same form gives the same."""
    try:
        wanted = _wanted(page) | {"url": page.form.text("url")}
        made = await page.ask("POST", "/webhooks", body=wanted, key=page.form.text("once"))
    except Problem as problem:
        return page.again("webhook_form.html", problem, **_form(None))
    return page.render("webhook_secret.html", webhook=made, is_new=True)


async def show_webhook(page: Page) -> HttpAnswer:
    """What was posted to it, and what came of that."""
    id = page.values["id"]
    chosen = {name: page.query(name) for name in ("status", "event", "email")}
    query = {**chosen, "webhook": id, "limit": 30, "cursor": page.query("cursor")}
    webhook, counted = await asyncio.gather(page.ask("GET", _api(id)), _day(page))
    found = await page.ask_or(None, "GET", "/webhook-deliveries", query=query)
    return page.render(
        "webhook.html",
        webhook=webhook,
        state=state_of(webhook, (counted or {}).get(id)),
        counted=None if counted is None else counted.get(id),
        found=found,
        chosen=chosen,
        statuses=STATUSES,
        events=EVENTS,
    )


async def show_form(page: Page) -> HttpAnswer:
    """The form to change it."""
    return page.render("webhook_form.html", **_form(await page.ask("GET", _api(page.values["id"]))))


async def change_webhook(page: Page) -> HttpAnswer:
    """Change it."""
    id = page.values["id"]
    before = await page.ask("GET", _api(id))
    try:
        wanted = _wanted(page, before["events"])
        if page.form.text("url") != before["url"]:
            wanted["url"] = page.form.text("url")
        await page.ask("PATCH", _api(id), body=wanted)
    except Problem as problem:
        return page.again("webhook_form.html", problem, **_form(before))
    return page.see_other(_path(page, id), "Saved. New events are posted so")


async def enable_webhook(page: Page) -> HttpAnswer:
    """Have events posted to it again."""
    id = page.values["id"]
    said = Flash("Turned on. Events from now on are posted", undo=f"{_path(page, id)}/disable")
    return await do(page, _path(page, id), said, "POST", f"{_api(id)}/enable")


async def disable_webhook(page: Page) -> HttpAnswer:
    """Post nothing to it for now."""
    id = page.values["id"]
    said = Flash(
        "Turned off. No events are kept for it meanwhile", undo=f"{_path(page, id)}/enable"
    )
    return await do(page, _path(page, id), said, "PATCH", _api(id), body={"enabled": False})


async def test_webhook(page: Page) -> HttpAnswer:
    """Post a sample now, and show what was answered."""
    id = page.values["id"]
    try:
        attempt = await page.ask("POST", f"{_api(id)}/test")
    except Problem as problem:
        if problem.status != 429:
            raise
        return page.see_other(_path(page, id), Flash(problem.detail, "bad"))
    is_good = 200 <= attempt["code"] < 300
    said = Flash(f"The test was {answer_words(attempt['code'])}", "good" if is_good else "bad")
    if attempt["code"] > 0:
        said = Flash(f"Your application answered {attempt['code']}", said.tone)
    query = {"webhook": id, "limit": 1}
    newest = await page.ask_or(None, "GET", "/webhook-deliveries", query=query)
    where = f"/deliveries/{newest['data'][0]['id']}" if newest and newest["data"] else ""
    return page.see_other(_path(page, id) + where, said)


async def rotate_secret(page: Page) -> HttpAnswer:
    """Another secret, shown on the answer to the form; the old one signs for a day more."""
    id = page.values["id"]
    made = await page.ask("POST", f"{_api(id)}/rotate", key=page.form.text("once"))
    return page.render("webhook_secret.html", webhook=made, is_new=False)


async def show_deletion(page: Page) -> HttpAnswer:
    """What deleting it means."""
    webhook = await page.ask("GET", _api(page.values["id"]))
    return page.render("webhook_delete.html", webhook=webhook)


async def delete_webhook(page: Page) -> HttpAnswer:
    """Delete it."""
    back = f"{page.base}/webhooks"
    return await do(page, back, "The webhook is deleted", "DELETE", _api(page.values["id"]))


def state_of(webhook: Webhook, counted: Mapping[str, Any] | None) -> tuple[str, str]:
    """A word for how it is, and its tone."""
    if not webhook["enabled"]:
        return "Turned off", "bad" if webhook["disabled_reason"] else "idle"
    failed = counted["failed"] if counted else 0
    delivered = counted["delivered"] if counted else 0
    if failed and not delivered:
        return "Failing", "bad"
    if failed > delivered / 20:
        return "Fails at times", "late"
    return ("Working", "good") if delivered else ("Nothing posted yet", "idle")


async def _day(page: Page) -> dict[str, Any] | None:
    """What was delivered and failed in a day, by webhook."""
    if not page.may("statistics:read"):
        return None
    query = {"period": "hour", "group_by": "webhook", "limit": 100}
    told = await page.ask_or(None, "GET", "/statistics", query=query)
    return None if told is None else {one["group"]: one for one in told["data"]}


def _wanted(page: Page, before: list[str] | None = None) -> dict[str, Any]:
    form = page.form
    form.require("url", "name", "streams", "tags", "format", "retries", "timeout")
    return {
        "name": form.text("name") or None,
        "format": form.text("format") or "v2",
        "events": all_or_some(form, "which", "events", before),
        "streams": form.lines("streams") or None,
        "tags": form.lines("tags") or None,
        "retries": form.text("retries") or "long",
        "timeout": 5 if number(form, "timeout") is None else number(form, "timeout"),
    }


def _form(webhook: Webhook | None) -> dict[str, Any]:
    # One that only the API names stays chosen.
    others = [one for one in (webhook or {}).get("events") or () if one not in CHOSEN]
    chosen = [*CHOSEN, *others]
    return {"webhook": webhook, "events": EVENTS, "chosen": chosen, "sample": sample}


def _api(id: str) -> str:
    return f"/webhooks/{quote(id, safe='')}"


def _path(page: Page, id: str) -> str:
    return f"{page.base}/webhooks/{quote(id, safe='')}"


_ONE = "/webhooks/{id}"
_READ, _WRITE = "webhooks:read", "webhooks:write"
ROWS = (
    of_server("GET", "/webhooks", list_webhooks, _READ, "listWebhooks", "showStatistics"),
    of_server("POST", "/webhooks", make_webhook, _WRITE, "createWebhook"),
    of_server("GET", "/webhooks/new", show_new, _WRITE),
    of_server("GET", _ONE, show_webhook, _READ, "showWebhook", "listWebhookDeliveries"),
    of_server("POST", _ONE, change_webhook, _WRITE, "changeWebhook"),
    of_server("GET", f"{_ONE}/edit", show_form, _WRITE, "showWebhook"),
    of_server("POST", f"{_ONE}/enable", enable_webhook, _WRITE, "enableWebhook"),
    of_server("POST", f"{_ONE}/disable", disable_webhook, _WRITE, "changeWebhook"),
    of_server("POST", f"{_ONE}/test", test_webhook, _WRITE, "testWebhook"),
    of_server("POST", f"{_ONE}/rotate", rotate_secret, _WRITE, "rotateWebhook"),
    of_server("GET", f"{_ONE}/delete", show_deletion, _WRITE, "showWebhook"),
    of_server("POST", f"{_ONE}/delete", delete_webhook, _WRITE, "deleteWebhook"),
)
