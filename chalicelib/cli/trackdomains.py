"""`posthorn trackdomain`: the names that tracked links and images point to, and their DNS records."""

from __future__ import annotations

from typing import Any

import click

from chalicelib.cli.commands import (
    Group,
    changes,
    clear_option,
    fields_of,
    of_server,
    options,
)
from chalicelib.cli.dns_text import is_right, records_text
from chalicelib.cli.older_fields import older_finding, with_older_track_domain
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, table, visible, yes
from posthorn_client import ProblemError
from posthorn_client.models import TrackDomain

# What `add` and `set` share; each keeps what it was when left out.
switches = options(
    click.option("--exclude-none", is_flag=True, help="Forget the hosts excluded before."),
    click.option(
        "--excluded-click-domains",
        "--exclude",
        "excluded_click_domains",
        metavar="HOST",
        multiple=True,
        help="Leave this host's links as they are; may be repeated.",
    ),
    click.option(
        "--track-loads/--no-track-loads",
        "--opens/--no-opens",
        "track_loads",
        default=None,
        help="Add an image.",
    ),
    click.option(
        "--track-clicks/--no-track-clicks",
        "--clicks/--no-clicks",
        "track_clicks",
        default=None,
        help="Replace links.",
    ),
    click.option(
        "--ssl-enabled/--no-ssl-enabled",
        "--ssl/--no-ssl",
        "ssl_enabled",
        default=None,
        help="https in links.",
    ),
)
name_argument = click.argument("name")
CLEARED = ("ssl_enabled", "track_clicks", "track_loads", "excluded_click_domains")
track_domain_group = Group(
    "trackdomain", "Track domains: count opens and clicks under names of the sender's own."
)


@track_domain_group.command("add")
@click.argument("domain")
@click.option(
    "--label",
    "--name",
    "label",
    default="track",
    show_default=True,
    help="The label in front of DOMAIN.",
)
@switches
@of_server
def add(session: Session, server: str | None, exclude_none: bool, **given: Any) -> None:
    """Add a track domain for mail from DOMAIN, and print the record to publish."""
    _check_excluded(exclude_none, given)
    _show(session, session.client.create_track_domain(fields_of(**given), tenant=server))


@track_domain_group.command("list")
@of_server
def list_all(session: Session, server: str | None) -> None:
    """List a server's track domains, newest first."""
    found = list(session.client.all_track_domains(tenant=server))
    rows = [
        (
            each["domain"],
            each["name"],
            _status(each),
            yes(each["track_clicks"]),
            yes(each["track_loads"]),
        )
        for each in found
    ]
    text = table(rows, ("domain", "name", "dns", "clicks", "opens"))
    session.show([*map(with_older_track_domain, found)], text)


@track_domain_group.command("show")
@name_argument
@of_server
def show(session: Session, name: str, server: str | None) -> None:
    """Show a track domain and the record to publish."""
    _show(session, _found(session, name, server))


@track_domain_group.command("check")
@name_argument
@of_server
def check(session: Session, name: str, server: str | None) -> int:
    """Look at what is published in DNS, and remember it. The exit code is 0 only for OK."""
    known = _found(session, name, server)["name"]
    track = session.client.check_track_domain(known, tenant=server)
    record = track["record"]
    text = visible(f"{record['name']}: {record['status']} {record['text']}".strip())
    told = with_older_track_domain(track) | {"finding": older_finding(record)}
    session.show(told, f"{_facts(track)}\n\n{text}")
    return 0 if is_right(record) else 1


def _change(
    session: Session,
    name: str,
    server: str | None,
    exclude_none: bool,
    clear: tuple[str, ...],
    **given: Any,
) -> None:
    """Switch what is tracked, or which hosts are excluded."""
    _check_excluded(exclude_none, given)
    if exclude_none:
        clear = (*clear, "excluded_click_domains")
    body = changes(clear, **given)
    known = _found(session, name, server)["name"]
    _show(session, session.client.change_track_domain(known, body, tenant=server))


for _verb in ("set", "update"):
    track_domain_group.command(_verb)(
        name_argument(switches(clear_option(*CLEARED)(of_server(_change))))
    )


@track_domain_group.command("remove")
@name_argument
@of_server
def remove(session: Session, name: str, server: str | None) -> None:
    """Remove a track domain: mail is no longer tracked."""
    known = _found(session, name, server)["name"]
    session.client.remove_track_domain(known, tenant=server)
    session.show({"removed": known}, visible(f"Removed {known}."))


def _check_excluded(exclude_none: bool, given: dict[str, Any]) -> None:
    if exclude_none and given["excluded_click_domains"]:
        raise click.UsageError("Give either --exclude or --exclude-none, not both.")


def _found(session: Session, name: str, server: str | None) -> TrackDomain:
    """The track domain of this name, or that for mail from a domain of this name."""
    try:
        return session.client.show_track_domain(name, tenant=server)
    except ProblemError as refused:
        if refused.status != 404:
            raise
        for track in session.client.all_track_domains(tenant=server):
            if track["domain"] == name.lower():
                return track
        raise


def _show(session: Session, track: TrackDomain) -> None:
    told = records_text([track["record"]])
    text = f"{_facts(track)}\n\nPublish this record, then run `trackdomain check`:\n\n{told}"
    session.show(with_older_track_domain(track), text)


def _facts(track: TrackDomain) -> str:
    pairs = [
        ("Track domain", track["name"]),
        ("Mail from", track["domain"]),
        ("Links at", f"{'https' if track['ssl_enabled'] else 'http'}://{track['host']}/"),
        ("DNS", _status(track)),
        ("Certificate", _certificate(track)),
        ("Clicks", yes(track["track_clicks"])),
        ("Opens", yes(track["track_loads"])),
        ("Excluded", ", ".join(track["excluded_click_domains"]) or "nothing"),
    ]
    return facts(pairs)


def _certificate(track: TrackDomain) -> str:
    found = track["certificate"]
    if found is None:
        return "not checked" if track["ssl_enabled"] else "not needed"
    said = found["detail"] or "fine"
    return f"{said}, {clock_time(found['checked_at'])}"


def _status(track: TrackDomain) -> str:
    status = track["record"]["status"]
    if status is None or track["checked_at"] is None:
        return "not checked"
    return f"{status}, {clock_time(track['checked_at'])}"
