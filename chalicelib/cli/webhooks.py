"""`posthorn webhook`: web applications that events are posted to. A secret is printed once, when it is made."""

from __future__ import annotations

from typing import Any, get_args

import click

from chalicelib.cli.commands import (
    NOTHING_TO_CHANGE,
    Group,
    changes,
    clear_option,
    fields_of,
    of_server,
    options,
)
from chalicelib.cli.failure import Failure
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible
from posthorn_client.models import EventType, Retries, Webhook, WebhookFormat

webhook_argument = click.argument("webhook", metavar="ID|NAME")
webhook_options = options(
    click.option("--name", help="What it is called  [default: the URL's host]."),
    click.option(
        "--format", type=click.Choice(get_args(WebhookFormat)), help="Bodies  [default: v2]."
    ),
    click.option(
        "--event",
        "events",
        multiple=True,
        type=click.Choice(get_args(EventType)),
        help="Only these events  [default: all].",
    ),
    click.option("--stream", "streams", multiple=True, help="Only messages of these streams."),
    click.option("--tag", "tags", multiple=True, help="Only messages with one of these tags."),
    click.option(
        "--retries",
        type=click.Choice(get_args(Retries)),
        help="long: 10 attempts in 76 hours; postal: 6 in 36 minutes  [default: long].",
    ),
    click.option("--timeout", type=int, metavar="SECONDS", help="1 to 30  [default: 5]."),
    click.option(
        "--enabled/--no-enabled", default=None, help="Whether it gets events  [default: yes]."
    ),
)
webhook_group = Group("webhook", "Webhooks: web applications that a server's events are posted to.")


@webhook_group.command("add")
@click.argument("url")
@webhook_options
@of_server
def add(session: Session, url: str, server: str | None, **given: Any) -> None:
    """Add a web application that events are posted to. Its secret is printed once.

    URL may have user:password@ for basic authentication.
    """
    body = fields_of(url=url, **_lists(given))
    _show(session, session.client.create_webhook(body, tenant=server))


@webhook_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List a server's webhooks, newest first."""
    found = list(session.client.all_webhooks(tenant=server))
    rows = [(one["id"], one["name"], one["url"], one["format"], _state(one)) for one in found]
    session.show(found, table(rows, ("id", "name", "url", "format", "state")))


@webhook_group.command("show")
@webhook_argument
@of_server
def show(session: Session, webhook: str, server: str | None) -> None:
    """Show a webhook."""
    _show(session, found_webhook(session, webhook, server))


@webhook_group.command("set")
@webhook_argument
@click.option("--url", help="Where to post; new events go there.")
@webhook_options
@clear_option("name", "format", "events", "streams", "tags", "retries", "timeout")
@of_server
def change(
    session: Session, webhook: str, server: str | None, clear: tuple[str, ...], **given: Any
) -> None:
    """Change a webhook. What waits for one that is disabled fails."""
    given = _lists(given)
    if not (clear or fields_of(**given)):
        raise click.UsageError(NOTHING_TO_CHANGE)
    known = found_webhook(session, webhook, server)
    _show(
        session,
        session.client.change_webhook(known["id"], changes(clear, **given), tenant=server),
    )


@webhook_group.command("enable")
@webhook_argument
@of_server
def enable(session: Session, webhook: str, server: str | None) -> None:
    """Have events posted to a webhook again."""
    known = found_webhook(session, webhook, server)
    _show(session, session.client.enable_webhook(known["id"], tenant=server))


@webhook_group.command("test")
@webhook_argument
@of_server
def test(session: Session, webhook: str, server: str | None) -> int:
    """Post a sample now. The exit code is 0 only if it answers 2xx."""
    known = found_webhook(session, webhook, server)
    said = session.client.test_webhook(known["id"], tenant=server)
    told = said["error"] or said["response"].strip()
    session.show(said, visible(f"{said['code']} after {said['seconds']} s: {told}"))
    return 0 if 200 <= said["code"] < 300 else 1


@webhook_group.command("rotate")
@webhook_argument
@of_server
def rotate(session: Session, webhook: str, server: str | None) -> None:
    """Give a webhook a new secret, which is printed once. The old one signs for 24 hours more."""
    known = found_webhook(session, webhook, server)
    _show(session, session.client.rotate_webhook(known["id"], tenant=server))


@webhook_group.command("remove")
@webhook_argument
@of_server
def remove(session: Session, webhook: str, server: str | None) -> None:
    """Remove a webhook. What waits for it fails."""
    known = found_webhook(session, webhook, server)
    session.client.delete_webhook(known["id"], tenant=server)
    session.show({"removed": known["id"]}, visible(f"Removed {known['name']}."))


def found_webhook(session: Session, named: str, server: str | None) -> Webhook:
    """The webhook of this id or name; Failure."""
    known = list(session.client.all_webhooks(tenant=server))
    for field in ("id", "name"):
        for one in known:
            if one[field] == named:
                return one
    raise Failure(f"There is no webhook {visible(named)} here")


def _lists(given: dict[str, Any]) -> dict[str, Any]:
    """Options that may be given several times, as lists; left out when none was."""
    return {
        name: (list(one) or None) if isinstance(one, tuple) else one for name, one in given.items()
    }


def _state(one: Webhook) -> str:
    return "enabled" if one["enabled"] else f"disabled: {one['disabled_reason'] or 'by hand'}"


def _show(session: Session, one: Any) -> None:
    pairs = [
        ("Webhook", one["id"]),
        ("Name", one["name"]),
        ("URL", one["url"]),
        ("Format", one["format"]),
        ("Events", ", ".join(one["events"] or ["all"])),
        ("Streams", ", ".join(one["streams"] or [])),
        ("Tags", ", ".join(one["tags"] or [])),
        ("Retries", one["retries"]),
        ("Time-out", f"{one['timeout']} s"),
        ("State", _state(one)),
        ("Last used", clock_time(one["last_used_at"]) if one["last_used_at"] else "never"),
        ("Public key", one["public_key"]),
        ("Secret", one.get("secret") or ""),
    ]
    session.show(one, facts([(name, value) for name, value in pairs if value]))
