"""`posthorn trackdomain`: the names that tracked links and images point to, and their DNS records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from chalicelib.cli.commands import (
    NOTHING_TO_CHANGE,
    Group,
    naming,
    of_server,
    options,
    server_option,
)
from chalicelib.cli.session import Session
from chalicelib.cli.shapes import Shape, shape
from chalicelib.cli.terminal import facts, moment, table, visible, yes
from chalicelib.domain.dns.records import track_host
from chalicelib.domain.tenancy.findings import RecordStatus
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.track_domains import TrackDomain
from chalicelib.services.tracking.domains import TrackDomains, TrackOptions

# What `add` and `update` share; each keeps what it was when left out.
switches = options(
    click.option("--exclude-none", is_flag=True, help="Forget the hosts excluded before."),
    click.option(
        "--exclude", metavar="HOST", multiple=True, help="Leave this host's links as they are."
    ),
    click.option("--opens/--no-opens", "track_loads", default=None, help="Add an image."),
    click.option("--clicks/--no-clicks", "track_clicks", default=None, help="Replace links."),
    click.option("--ssl/--no-ssl", "ssl_enabled", default=None, help="https in links."),
)


def _options(
    before: TrackOptions, exclude: tuple[str, ...], exclude_none: bool, **given: bool | None
) -> TrackOptions:
    if exclude and exclude_none:
        raise click.UsageError("Give either --exclude or --exclude-none, not both.")
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if exclude or exclude_none:
        values["excluded_click_domains"] = exclude
    return replace(before, **values)


def _find(session: Session, name: str, server: str | None) -> TrackDomain:
    owner = session.server(server)
    return session.call(session.posthorn[TrackDomains].find(owner, name))


named_track = naming(_find, "track", click.argument("name"), server_option)
track_domain_group = Group(
    "trackdomain", "Track domains: count opens and clicks under names of the sender's own."
)


@track_domain_group.command("add")
@click.argument("domain")
@click.option("--name", default="track", show_default=True, help="The label in front of DOMAIN.")
@switches
@of_server
def add(session: Session, domain: str, name: str, server: Server, **given: Any) -> None:
    """Add a track domain for mail from DOMAIN, and print the record to publish."""
    service = session.posthorn[TrackDomains]
    chosen = _options(service.defaults, **given)
    _show(session, session.call(service.add(server, name, domain, chosen)))


@track_domain_group.command("list")
@of_server
def list_all(session: Session, server: Server) -> None:
    """List a server's track domains."""
    found = session.call(session.posthorn[TrackDomains].of_server(server))
    rows = [
        (
            each.domain,
            track_host(each),
            _status(each),
            yes(each.track_clicks),
            yes(each.track_loads),
        )
        for each in found
    ]
    text = table(rows, ("domain", "name", "dns", "clicks", "opens"))
    session.show(found, text)


@track_domain_group.command("show")
@named_track
def show(session: Session, track: TrackDomain) -> None:
    """Show a track domain and the record to publish."""
    _show(session, track)


@track_domain_group.command("check")
@named_track
def check(session: Session, track: TrackDomain) -> int:
    """Look at what is published in DNS, and remember it. The exit code is 0 only for OK."""
    done = session.call(session.posthorn[TrackDomains].check(track))
    text = visible(f"{done.finding.name}: {done.finding.status.value} {done.finding.text}".strip())
    told = {**_shape(session, done.track), "finding": done.finding}
    session.show(told, f"{_facts(done.track)}\n\n{text}")
    return 0 if done.finding.status is RecordStatus.OK else 1


@track_domain_group.command("update")
@switches
@named_track
def update(session: Session, track: TrackDomain, **given: Any) -> None:
    """Switch what is tracked, or which hosts are excluded."""
    chosen = _options(TrackOptions.of(track), **given)
    if not any(value not in {None, (), False} for value in given.values()) and (
        chosen == TrackOptions.of(track)
    ):
        raise click.UsageError(NOTHING_TO_CHANGE)
    _show(session, session.call(session.posthorn[TrackDomains].update(track, chosen)))


@track_domain_group.command("remove")
@named_track
def remove(session: Session, track: TrackDomain) -> None:
    """Remove a track domain: mail is no longer tracked."""
    session.call(session.posthorn[TrackDomains].remove(track))
    session.show({"removed": track_host(track)}, f"Removed {visible(track_host(track))}.")


def _show(session: Session, track: TrackDomain) -> None:
    record = session.posthorn[TrackDomains].record(track)
    told = f"  {visible(f'{record.kind} {record.name}')}\n    {visible(record.value)}"
    text = f"{_facts(track)}\n\nPublish this record, then run `trackdomain check`:\n\n{told}"
    session.show(_shape(session, track), text)


def _shape(session: Session, track: TrackDomain) -> Shape:
    return {**shape(track), "records": [session.posthorn[TrackDomains].record(track)]}


def _facts(track: TrackDomain) -> str:
    pairs = [
        ("Track domain", track_host(track)),
        ("Mail from", track.domain),
        ("Links at", f"{'https' if track.ssl_enabled else 'http'}://{track.name}/"),
        ("DNS", _status(track)),
        ("Clicks", yes(track.track_clicks)),
        ("Opens", yes(track.track_loads)),
        ("Excluded", ", ".join(track.excluded_click_domains) or "nothing"),
    ]
    return facts(pairs)


def _status(track: TrackDomain) -> str:
    if track.dns_status is None or track.dns_checked_at is None:
        return "not checked"
    return f"{track.dns_status.value}, {moment(track.dns_checked_at)}"
