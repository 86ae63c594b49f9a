"""`posthorn server overview`: a mail server at a glance."""

from __future__ import annotations

import click

from chalicelib.cli.commands import Command, named_server
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table
from posthorn_client.models import ServerOverview


@click.command("overview", cls=Command)
@named_server
def overview(session: Session, server: str | None) -> None:
    """Show a mail server at a glance: what waits, what it sent, what needs attention."""
    found = session.client.show_overview(tenant=server)
    session.show(found, _text(found))


def _of(limit: int | None) -> str:
    return "" if limit is None else f"of {limit:,} "


def _text(found: ServerOverview) -> str:
    domains, hour, rate = found["domains"], found["last_hour"], found["bounce_rate"]
    rows = [
        ("server", found["server"]),
        ("status", found["status"]),
        ("domains", f"{domains['ok']} ok, {domains['failing']} failing"),
        ("held", str(found["held"])),
        ("queued", str(found["queued"])),
        ("scheduled", str(found["scheduled"])),
        ("bounce rate", "" if rate is None else f"{rate:.1%}"),
        ("stored", f"{found['stored_bytes']:,} {_of(found['stored_bytes_limit'])}bytes"),
        ("pool", found["pool"]),
        ("last hour", f"{hour['incoming']} incoming, {hour['outgoing']} outgoing"),
    ]
    rows += [
        (f"limit {one['owner']}/{one['period']}", f"{one['used']} of {one['limit']}")
        for one in found["limits"]
    ]
    parts = [facts(rows)]
    if found["attention"]:
        needs = [
            (one["code"], clock_time(one["since"], ""), str(one["count"]), one["detail"] or "")
            for one in found["attention"]
        ]
        parts.append(table(needs, ("attention", "since", "count", "detail")))
    return "\n\n".join(parts)
