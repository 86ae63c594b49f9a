"""Webhooks from the command line: made, shown, changed and removed; their deliveries listed, shown and replayed."""

from __future__ import annotations

import asyncio

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.http_exchange import Timings
from chalicelib.domain.webhooks.delivery import Header, WebhookAttempt
from chalicelib.ports.webhook_deliveries import WebhookDeliveries
from tests.fakes import NOW
from tests.integration.cli.conftest import Outcome, Run
from tests.webhook_events import a_delivery

ADD = ("webhook", "add", "https://joe:secret@app.example/hook")


def done(outcome: Outcome) -> Outcome:
    assert outcome.code == 0, outcome.err
    return outcome


def test_one_is_made_shown_changed_and_removed(demo: Run) -> None:
    narrowed = ("--event", "email.bounced", "--event", "email.opened", "--tag", "welcome")
    made = done(demo(*ADD, *narrowed, "--retries", "postal", "--json")).json
    assert made["secret"].startswith("whsec_")
    assert made["public_key"].startswith("whpk_")
    assert (made["name"], made["url"]) == ("app.example", "https://***@app.example/hook")
    assert (made["events"], made["tags"]) == (["email.bounced", "email.opened"], ["welcome"])
    shown = done(demo("webhook", "show", "app.example")).out
    assert "whsec_" not in shown
    assert "email.bounced" in shown
    changed = done(
        demo("webhook", "set", "app.example", "--clear", "events", "--timeout", "30", "--json")
    ).json
    assert (changed["events"], changed["timeout"]) == (None, 30)
    off = done(demo("webhook", "set", made["id"], "--no-enabled"))
    assert "disabled: by hand" in off.out
    assert "enabled" in done(demo("webhook", "enable", made["id"])).out
    assert done(demo("webhook", "rotate", made["id"], "--json")).json["secret"] != made["secret"]
    assert "app.example" in done(demo("webhook", "list")).out
    assert demo("webhook", "set", "app.example").code == 2
    done(demo("webhook", "remove", "app.example"))
    assert demo("webhook", "show", "app.example").code != 0


def test_what_is_wrong_is_named(demo: Run) -> None:
    assert "at most" in demo(*ADD, "--timeout", "31").err or demo(*ADD, "--timeout", "31").code
    refused = demo("webhook", "add", "https://10.0.0.1/")
    assert refused.code != 0
    assert "Private" in refused.err


def test_deliveries_are_listed_shown_and_replayed(demo: Run, app: Posthorn) -> None:
    made = done(demo(*ADD, "--json")).json
    (server,) = demo("server", "list", "--json").json
    attempt = WebhookAttempt(
        NOW,
        500,
        0.08,
        "No\x1b[31m",
        timings=Timings(0.001, 0.002, None, 0.07),
        request_headers=(Header("webhook-id", "x"),),
        response_headers=(Header("set-cookie", "a"), Header("set-cookie", "b")),
    )
    one = a_delivery(server["id"], 1, webhook=made["id"]).attempted(attempt)
    assert asyncio.run(app[WebhookDeliveries].add([one])) == [True]
    listed = done(demo("webhook", "deliveries", "--webhook", "app.example", "--json")).json
    (brief,) = listed["data"]
    assert (brief["id"], brief["status"]) == (one.id, "waiting")
    assert "attempts" not in brief
    assert one.id in done(demo("webhook", "deliveries", "--status", "waiting")).out
    assert one.id not in done(demo("webhook", "deliveries", "--status", "failed")).out
    whole = done(demo("webhook", "delivery", one.id, "--json")).json
    assert whole["payload"] == one.payload.decode()
    (shown,) = whole["attempts"]
    assert (shown["code"], shown["timings"]["wait"]) == (500, 0.07)
    assert shown["response_headers"] == {"set-cookie": "a, b"}
    text = done(demo("webhook", "delivery", one.id)).out
    assert "\x1b" not in text
    assert "500" in text
    done(demo("webhook", "replay", one.id, "--url", "https://b.example/"))
    assert demo("webhook", "replay", one.id, "--url", "https://10.0.0.1/").code != 0
    assert demo("webhook", "delivery", "wdaaaaaaaaaaaaaaaaaaaa").code != 0


def test_many_are_replayed_by_a_job(demo: Run, app: Posthorn) -> None:
    made = done(demo(*ADD, "--json")).json
    (server,) = demo("server", "list", "--json").json
    some = [a_delivery(server["id"], number, webhook=made["id"]) for number in (1, 2, 3)]
    asyncio.run(app[WebhookDeliveries].add(some))
    narrowed = ("--since", "2020-01-01", "--webhook", "app.example", "--event", "email.delivered")
    looked = done(demo("webhook", "replay", *narrowed, "--dry-run", "--json")).json
    assert (looked["type"], looked["matched"]) == ("replay_webhooks", 3)
    job = done(demo("webhook", "replay", *narrowed, "--no-wait", "--json")).json
    assert (job["type"], job["parameters"]["webhook"]) == ("replay_webhooks", made["id"])
    for wrong in ((), (some[0].id, "--since", "7d"), ("--status", "failed")):
        assert demo("webhook", "replay", *wrong).code == 2
