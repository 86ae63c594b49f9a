"""`posthorn server`: mail servers and their options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    confirm_option,
    fields_of,
    named_server,
    options,
    organization_option,
    reason_option,
)
from chalicelib.cli.overview import overview
from chalicelib.cli.rate_limits import RATES, holds_text, rate_limit_options, rates_text
from chalicelib.cli.retention import RETENTION, kept_for, retention, retention_options
from chalicelib.cli.send_limits import (
    LIMITS,
    NOTHING,
    limits_text,
    send_limit_options,
    without_nothing,
)
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import statistics_command
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client.models import Server, ServerMode, UnknownOutcome

_BOTH = re.compile(r"[a-z0-9-]+/[a-z0-9-]+")  # names of other kinds may have a slash too


def _score(text: str) -> float | str:
    """A score, or `none` for mail that is not scanned."""
    try:
        return text if text == NOTHING else float(text)
    except ValueError:
        raise ValueError(f"{text!r} is neither a score nor `none`.") from None


def _reason_days(text: str) -> tuple[str, int | str]:
    """`bounce=30`, or `bounce=forever`."""
    reason, _, days = text.partition("=")
    if not reason or not (days == "forever" or days.isdecimal()):
        raise ValueError(f"{text!r} is not like `bounce=30` or `bounce=forever`.")
    return reason, days if days == "forever" else int(days)


# What `create` and `set` share; an option that was left out is None.
server_options = options(
    click.option(
        "--mode",
        type=click.Choice(get_args(ServerMode), case_sensitive=False),
        help="Live sends; Development holds all mail.",
    ),
    click.option("--pool", help="The pool of addresses that its mail leaves from."),
    send_limit_options,
    rate_limit_options,
    click.option("--spam-threshold", type=float, help="Incoming mail that scores more is spam."),
    click.option(
        "--spam-failure-threshold", type=float, help="Incoming mail that scores so much fails."
    ),
    click.option(
        "--outbound-spam-threshold",
        type=_score,
        metavar="SCORE|NONE",
        help="Outgoing mail that scores so much is not sent; `none`: it is not scanned.",
    ),
    click.option(
        "--postmaster-address",
        metavar="ADDRESS|NONE",
        help="Whom bounces name, or `none` for the postmaster of the domain.",
    ),
    click.option(
        "--bounce-incoming/--no-bounce-incoming",
        default=None,
        help="Tell senders of incoming mail that it failed.",
    ),
    click.option("--allow-sender/--no-allow-sender", default=None, help="Let Sender authorise."),
    click.option(
        "--privacy-mode/--no-privacy-mode",
        "--privacy/--no-privacy",
        "privacy_mode",
        default=None,
        help="Hide clients in Received.",
    ),
    click.option("--retry-schedule", help="As 1m,5m*2,1h*3, or `none` for the default."),
    click.option(
        "--unknown-outcome",
        type=click.Choice(get_args(UnknownOutcome)),
        help="When a peer may already have a message: send again, or hold.",
    ),
    click.option(
        "--suppress-hard-fails",
        type=click.IntRange(0, 10),
        help="Hard fails in 24 h that suppress a recipient; 0 for never.",
    ),
    click.option(
        "--suppress-bounces/--no-suppress-bounces", default=None, help="Bounces suppress."
    ),
    click.option(
        "--suppress-complaints/--no-suppress-complaints", default=None, help="Complaints suppress."
    ),
    click.option(
        "--suppression-days",
        type=_reason_days,
        multiple=True,
        metavar="REASON=DAYS",
        callback=lambda _context, _option, given: dict(given) or None,
        help="For how long, by reason: `bounce=30`, `complaint=forever`; may be repeated.",
    ),
    retention_options,
)
CLEARED = (
    *("mode", "pool", *LIMITS, *RATES, "spam_threshold", "spam_failure_threshold"),
    *("outbound_spam_threshold", "postmaster_address", "bounce_incoming"),
    *("allow_sender", "privacy_mode", "retry_schedule"),
    *("suppress_hard_fails", "suppress_bounces", "suppress_complaints", "suppression_days"),
    *RETENTION,
)
server_group = Group("server", "Mail servers: each has its own domains, credentials and messages.")


@server_group.command("create")
@click.argument("name", metavar="NAME|ORG/SERVER")
@organization_option
@click.option("--permalink", help="Short name for URLs; made from NAME when left out.")
@click.option("--shards", type=int, help="Parts of its message list, for good: 1 to 16.")
@server_options
def create(session: Session, organization: str | None, name: str, **given: Any) -> None:
    """Create a mail server.

    ORG/SERVER is as other commands name it: `acme/mail` has the name and the permalink `mail`.
    """
    if _BOTH.fullmatch(name):
        if organization is not None:
            raise click.UsageError("Give either ORG/SERVER or --organization, not both.")
        organization, _, name = name.partition("/")
        given["permalink"] = given["permalink"] or name
    body = without_nothing(fields_of(name=name, **given))
    body["organization"] = session.organization(organization)
    _show(session, session.client.create_server(body))


@server_group.command("list")
@click.option("--organization", metavar="ORG", help="Only this organization's.")
def list_all(session: Session, organization: str | None) -> None:
    """List the mail servers, newest first."""
    found = list(session.client.all_servers(organization=organization))
    rows = [(each["server"], each["name"], _state(each), each["pool"]) for each in found]
    session.show(found, table(rows, ("server", "name", "state", "pool")))


@server_group.command("show")
@named_server
def show(session: Session, server: str) -> None:
    """Show one mail server and its options."""
    _show(session, session.client.show_server(*path_of(server)))


@server_group.command("set")
@named_server
@click.option("--name", help="Another name.")
@server_options
@clear_option(*CLEARED, "unknown_outcome")
def change(session: Session, server: str, clear: tuple[str, ...], **given: Any) -> None:
    """Change options of a mail server."""
    body = without_nothing(changes(clear, **given))
    _show(session, session.client.change_server(*path_of(server), body))


@server_group.command("remove")
@named_server
@confirm_option
def remove(session: Session, server: str, confirm: str | None) -> None:
    """Delete a mail server: gone for all at once, its data within a day."""
    session.client.delete_server(*path_of(server), confirm=confirm)
    session.show({"removed": server}, visible(f"Removed {server}."))


@server_group.command("suspend")
@named_server
@reason_option
def suspend(session: Session, server: str, reason: str) -> None:
    """Suspend a mail server: its mail is held."""
    _show(session, session.client.suspend_server(*path_of(server), {"reason": reason}))


@server_group.command("unsuspend")
@named_server
def unsuspend(session: Session, server: str) -> None:
    """Lift a mail server's suspension. Mail that was held stays held."""
    _show(session, session.client.unsuspend_server(*path_of(server)))


server_group.add_command(statistics_command)
server_group.add_command(overview)
server_group.add_command(retention)


def path_of(server: str | None) -> tuple[str, str]:
    """Organization and server. UsageError for the server of a key, which does not say its name."""
    if server is None:
        raise click.UsageError("Say which server: ORGANIZATION/SERVER.")
    organization, _, permalink = server.partition("/")
    return organization, permalink


def _show(session: Session, server: Server) -> None:
    outbound = server["outbound_spam_threshold"]
    pairs = [
        ("Server", server["server"]),
        ("Name", server["name"]),
        ("State", _state(server)),
        ("Token", server["token"]),
        ("Created", clock_time(server["created_at"])),
        ("Pool", server["pool"]),
        ("Shards", str(server["shards"])),
        ("Send limits", limits_text(server)),
        ("Rates that hold", rates_text(server)),
        ("New mail is held for", holds_text(server) or NOTHING),
        ("Spam threshold", f"{server['spam_threshold']:g}"),
        ("Spam failure threshold", f"{server['spam_failure_threshold']:g}"),
        ("Outbound spam threshold", NOTHING if outbound is None else f"{outbound:g}"),
        ("Postmaster", server["postmaster_address"] or "postmaster of the domain"),
        ("Bounce incoming", yes(server["bounce_incoming"])),
        ("Allow Sender", yes(server["allow_sender"])),
        ("Privacy", yes(server["privacy_mode"])),
        ("Retry schedule", server["retry_schedule"] or "default"),
        ("Unknown outcome", server["unknown_outcome"]),
        ("Suppress at", f"{server['suppress_hard_fails'] or 'no'} hard fails in 24 h"),
        ("Bounces suppress", yes(server["suppress_bounces"])),
        ("Complaints suppress", yes(server["suppress_complaints"])),
        ("Suppressed for", _days_text(server["suppression_days"])),
        *kept_for(server),
    ]
    session.show(server, facts(pairs))


def _state(server: Server) -> str:
    if server["suspended_at"] is not None:
        return f"suspended: {server['suspension_reason']}"
    return "organization suspended" if server["suspended"] else server["mode"]


def _days_text(days: Mapping[str, object]) -> str:
    spoken = {"forever": "for good"}
    return ", ".join(f"{name} {spoken.get(str(one), f'{one} days')}" for name, one in days.items())
