"""`posthorn webhook deliveries`, `delivery` and `replay`: what was posted to webhooks, and sending it once more."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import fields_of, of_server
from chalicelib.cli.jobs import dry_run_option, report, started, wait_option
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time, time
from chalicelib.cli.terminal import clock_time, facts, table, visible
from chalicelib.cli.webhooks import found_webhook, webhook_group
from posthorn_client.models import DeliveryStatus, EventType, WebhookDeliveryBrief


@webhook_group.command("deliveries")
@click.option("--webhook", metavar="ID|NAME", help="Only those to this webhook.")
@click.option("--event", type=click.Choice(get_args(EventType)), help="Only of this event.")
@click.option("--email", type=int, metavar="ID", help="Only those about this message.")
@click.option("--status", type=click.Choice(get_args(DeliveryStatus)), help="Only these.")
@click.option(
    "--since", type=time, help="Only from then on: a time, or how long ago: 90m, 36h, 7d."
)
@click.option("--until", type=time, help="Only before then; as --since.")
@page_options
@of_server
def deliveries(
    session: Session,
    server: str | None,
    webhook: str | None,
    event: Any,
    email: int | None,
    status: Any,
    since: float | None,
    until: float | None,
    **paging: Any,
) -> None:
    """List what was posted to webhooks or waits for that, newest first."""
    named = None if webhook is None else found_webhook(session, webhook, server)["id"]
    begin, end = asked_time(since, session), asked_time(until, session)
    show_pages(
        session,
        lambda limit, cursor: session.client.list_webhook_deliveries(
            limit=limit,
            cursor=cursor,
            webhook=named,
            event=event,
            email=email,
            status=status,
            since=begin,
            until=end,
            tenant=server,
        ),
        ("id", "at", "event", "email", "status", "next attempt", "url"),
        _row,
        **paging,
    )


@webhook_group.command("delivery")
@click.argument("delivery", metavar="ID")
@of_server
def delivery(session: Session, delivery: str, server: str | None) -> None:
    """Show a delivery: its body, and each attempt with what came of it."""
    _show(session, session.client.show_webhook_delivery(delivery, tenant=server))


@webhook_group.command("replay")
@click.argument("delivery", metavar="[ID]", required=False)
@click.option("--url", help="Send there, not to its own URL.")
@click.option("--webhook", metavar="ID|NAME", help="Of many: only those to this webhook.")
@click.option(
    "--event",
    "events",
    multiple=True,
    type=click.Choice(get_args(EventType)),
    help="Of many: only of these events.",
)
@click.option("--status", type=click.Choice(get_args(DeliveryStatus)), help="Of many: only these.")
@click.option("--since", type=time, help="Many: those stored from then on, as 90m, 36h, 7d.")
@click.option("--until", type=time, help="Of many: only before then; as --since.")
@dry_run_option
@wait_option
@of_server
def replay(
    session: Session,
    delivery: str | None,
    server: str | None,
    url: str | None,
    dry_run: bool,
    no_wait: bool,
    **narrowed: Any,
) -> int:
    """Send one event once more, or with --since many of them, as a job. Each is one attempt, made soon."""
    of_many = {name: one for name, one in narrowed.items() if one not in (None, ())}
    if (delivery is None) is ("since" not in of_many) or (delivery and (of_many or dry_run)):
        raise click.UsageError("Give either the ID of a delivery or --since.")
    if delivery is not None:
        body: Any = {} if url is None else {"url": url}
        _show(session, session.client.replay_webhook_delivery(delivery, body, tenant=server))
        return 0
    return _replay_many(session, server, of_many | {"url": url, "dry_run": dry_run}, no_wait)


def _replay_many(session: Session, server: str | None, given: dict[str, Any], no_wait: bool) -> int:
    if "webhook" in given:
        given["webhook"] = found_webhook(session, given["webhook"], server)["id"]
    for name in ("since", "until"):
        if name in given:
            given[name] = asked_time(given[name], session)
    if "events" in given:
        given["events"] = list(given["events"])
    wanted: Any = {"type": "replay_webhooks", **fields_of(**given)}
    job = started(session, wanted, server, waits=not no_wait)
    return 0 if job is None else report(session, job)


def _row(one: WebhookDeliveryBrief) -> tuple[str, ...]:
    return (
        one["id"],
        clock_time(one["created_at"]),
        one["event"],
        "" if one["email"] is None else str(one["email"]),
        one["status"],
        clock_time(one["next_attempt_at"]) if one["next_attempt_at"] else "",
        visible(one["url"]),
    )


def _show(session: Session, one: Any) -> None:
    attempts = [
        (
            clock_time(each["at"]),
            str(each["code"]),
            f"{each['seconds']} s",
            "replay" if each["replay"] else "",
            visible(each["error"] or each["response"].strip()),
        )
        for each in one["attempts"]
    ]
    pairs = [
        ("Delivery", one["id"]),
        ("Webhook", one["webhook"]),
        ("Event", f"{one['event']} {one['event_id']}"),
        ("Message", "" if one["email"] is None else str(one["email"])),
        ("URL", visible(one["url"])),
        ("Status", one["status"]),
        ("Stored", clock_time(one["created_at"])),
        ("Next", clock_time(one["next_attempt_at"]) if one["next_attempt_at"] else ""),
        ("Body", visible(one["payload"])),
    ]
    text = facts([(name, value) for name, value in pairs if value])
    if attempts:
        text += "\n\n" + table(attempts, ("at", "code", "took", "", "answer"))
    session.show(one, text)
