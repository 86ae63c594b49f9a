"""`posthorn tail`: what happens at a server, as it happens."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import Command, of_server
from chalicelib.cli.following import Following, follow_options
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, json_text, visible


@click.command("tail", cls=Command)
@follow_options
@of_server
def tail_command(
    session: Session,
    server: str | None,
    kind: str | None,
    since: float | None,
    interval: float,
    polls: int | None,
) -> None:
    """Follow what happens at a server until Ctrl-C: mail that came in, deliveries, opens and clicks, and what happened
    beside. With --json, one event a line."""
    following = Following(session, server, kind=kind, since=since)
    for event in following.events(interval, polls):
        click.echo(json_text(event, indent=None) if session.json else line_of(event))


def line_of(event: Any) -> str:
    """An event on one line."""
    data = event["data"]
    email = data.get("email")
    number = "" if email is None else str(email["id"])
    what = event["type"].removeprefix("email.")
    return f"{clock_time(event['timestamp'])}  {number:>6}  {what.ljust(13)}  {visible(_text(data))}".rstrip()


def _text(data: Any) -> str:
    """What is told beside the type."""
    email = data.get("email") or {}
    if delivery := data.get("delivery"):
        output = delivery.get("output")
        return f"{delivery['details']} – {output}" if output else str(delivery["details"])
    for name in ("report", "visit", "suppression", "domain", "limit"):
        if told := data.get(name):
            return _words(name, told)
    way = f"{email.get('from') or '<>'} → {email.get('to')}"
    return f"{way} {email.get('subject') or ''}" if email else ""


def _words(name: str, told: Any) -> str:
    """The most telling of an object's texts."""
    names = {
        "report": ("cause", "diagnostic", "feedback_type"),
        "visit": ("address", "user_agent", "url"),
        "suppression": ("address", "text", "stream"),
        "domain": ("name",),
        "limit": ("owner", "period", "used", "limit"),
    }[name]
    return " ".join(str(told[one]) for one in names if told.get(one))
