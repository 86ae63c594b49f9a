"""One delivery of a webhook in all detail, sending it once more, and replaying many after a look at how many."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from chalicelib.api.http import HttpAnswer
from chalicelib.web.asking import Problem
from chalicelib.web.event_words import EVENTS, answer_words
from chalicelib.web.fields import moment, text
from chalicelib.web.page import Page
from chalicelib.web.row import of_server


async def show_delivery(page: Page) -> HttpAnswer:
    """The request, the answer, and every try."""
    return page.render("webhook_delivery.html", **await _of(page))


async def send_again(page: Page) -> HttpAnswer:
    """Send it once more, also elsewhere."""
    values = await _of(page)
    elsewhere = text(page.form, "url")
    path = f"/webhook-deliveries/{quote(page.values['delivery'], safe='')}/replay"
    try:
        await page.ask("POST", path, body={"url": elsewhere} if elsewhere else {})
    except Problem as problem:
        return page.again("webhook_delivery.html", problem, **values)
    where = f"{_path(page)}/deliveries/{quote(page.values['delivery'], safe='')}"
    return page.see_other(where, "It is sent once more, in a moment, with the same id")


async def show_replay(page: Page) -> HttpAnswer:
    """Which events."""
    webhook = await page.ask("GET", _api(page))
    return page.render("webhook_replay.html", webhook=webhook, preview=None, **_choices())


async def replay(page: Page) -> HttpAnswer:
    """First how many; then do it."""
    form, webhook = page.form, await page.ask("GET", _api(page))
    wanted: dict[str, Any] = {
        "type": "replay_webhooks",
        "webhook": webhook["id"],
        "status": text(form, "status"),
        "events": form.all("events") or None,
        "since": moment(form, "since"),
        "until": moment(form, "until"),
        "url": text(form, "url"),
    }
    given = {name: one for name, one in wanted.items() if one is not None}
    values = {"webhook": webhook, **_choices()}
    is_meant = form.has("meant")
    try:
        told = await page.ask("POST", "/jobs", body={**given, "dry_run": not is_meant})
    except Problem as problem:
        return page.again("webhook_replay.html", problem, preview=None, **values)
    if is_meant:
        return page.see_other(f"{page.base}/operations/{told['id']}", "The replay has begun")
    return page.render("webhook_replay.html", preview=told, **values)


async def _of(page: Page) -> dict[str, Any]:
    path = f"/webhook-deliveries/{quote(page.values['delivery'], safe='')}"
    delivery = await page.ask("GET", path)
    attempts = list(reversed(delivery["attempts"]))
    return {
        "delivery": delivery,
        "attempts": [(one, answer_words(one["code"])) for one in attempts],
        "pretty": _pretty(delivery["payload"]),
        "events": EVENTS,
        "webhook_id": page.values["id"],
    }


def _pretty(payload: str) -> str | None:
    """The body with line ends; None for one that is no JSON."""
    try:
        return json.dumps(json.loads(payload), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def _choices() -> dict[str, Any]:
    return {"events": EVENTS}


def _api(page: Page) -> str:
    return f"/webhooks/{quote(page.values['id'], safe='')}"


def _path(page: Page) -> str:
    return f"{page.base}/webhooks/{quote(page.values['id'], safe='')}"


_ONE = "/webhooks/{id}"
_DELIVERY = f"{_ONE}/deliveries/{{delivery}}"
_READ, _WRITE = "webhooks:read", "webhooks:write"
ROWS = (
    of_server("GET", _DELIVERY, show_delivery, _READ, "showWebhookDelivery"),
    of_server("POST", _DELIVERY, send_again, _WRITE, "replayWebhookDelivery"),
    of_server("GET", f"{_ONE}/replay", show_replay, _WRITE, "showWebhook"),
    of_server("POST", f"{_ONE}/replay", replay, _WRITE, "startJob"),
)
