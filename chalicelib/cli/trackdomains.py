"""`posthorn trackdomain`: the names that tracked links and images point to, and their DNS records."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from chalicelib.cli.session import Session, json_option, pass_session, server_option
from chalicelib.cli.shapes import Shape, finding_shape, record_shape, track_domain_shape
from chalicelib.cli.terminal import facts, moment, table, visible, yes
from chalicelib.domain.dns.records import RecordStatus, track_host
from chalicelib.domain.engagement import TrackDomain
from chalicelib.services.tracking.domains import TrackDomains, TrackOptions


def switches(command: Any) -> Any:
    """The options that can be switched; each keeps what it was when left out."""
    for option in (
        click.option("--ssl/--no-ssl", "ssl_enabled", default=None, help="https in links."),
        click.option("--clicks/--no-clicks", "track_clicks", default=None, help="Replace links."),
        click.option("--opens/--no-opens", "track_loads", default=None, help="Add an image."),
        click.option(
            "--exclude", metavar="HOST", multiple=True, help="Leave this host's links as they are."
        ),
        click.option("--exclude-none", is_flag=True, help="Forget the hosts excluded before."),
    ):
        command = option(command)
    return command


def _options(
    options: TrackOptions, exclude: tuple[str, ...], exclude_none: bool, **given: bool | None
) -> TrackOptions:
    if exclude and exclude_none:
        raise click.UsageError("Give either --exclude or --exclude-none, not both.")
    values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if exclude or exclude_none:
        values["excluded_click_domains"] = exclude
    return replace(options, **values)


@click.group("trackdomain")
@json_option
def track_domain_group() -> None:
    """Track domains: count opens and clicks under names of the sender's own."""


@track_domain_group.command("add")
@click.argument("domain")
@click.option("--name", default="track", show_default=True, help="The label in front of DOMAIN.")
@switches
@server_option
@json_option
@pass_session
def add(session: Session, domain: str, name: str, server: str | None, **given: Any) -> None:
    """Add a track domain for mail from DOMAIN, and print the record to publish."""
    owner, service = session.server(server), session.posthorn[TrackDomains]
    made = session.call(service.add(owner, name, domain, _options(service.defaults, **given)))
    _show(session, made)


@track_domain_group.command("list")
@server_option
@json_option
@pass_session
def list_all(session: Session, server: str | None) -> None:
    """List a server's track domains."""
    found = session.call(session.posthorn[TrackDomains].of_server(session.server(server)))
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
    session.show([track_domain_shape(each) for each in found], text)


@track_domain_group.command("show")
@click.argument("name")
@server_option
@json_option
@pass_session
def show(session: Session, name: str, server: str | None) -> None:
    """Show a track domain and the record to publish."""
    _show(session, _find(session, name, server))


@track_domain_group.command("check")
@click.argument("name")
@server_option
@json_option
@pass_session
def check(session: Session, name: str, server: str | None) -> int:
    """Look at what is published in DNS, and remember it. The exit code is 0 only for OK."""
    track = _find(session, name, server)
    done = session.call(session.posthorn[TrackDomains].check(track))
    shape = {**_shape(session, done.track), "finding": finding_shape(done.finding)}
    text = visible(f"{done.finding.name}: {done.finding.status.value} {done.finding.text}".strip())
    session.show(shape, f"{_facts(done.track)}\n\n{text}")
    return 0 if done.finding.status is RecordStatus.OK else 1


@track_domain_group.command("update")
@click.argument("name")
@switches
@server_option
@json_option
@pass_session
def update(session: Session, name: str, server: str | None, **given: Any) -> None:
    """Switch what is tracked, or which hosts are excluded."""
    track = _find(session, name, server)
    options = _options(TrackOptions.of(track), **given)
    if not any(value not in {None, (), False} for value in given.values()) and (
        options == TrackOptions.of(track)
    ):
        raise click.UsageError("Nothing to change: name at least one option.")
    _show(session, session.call(session.posthorn[TrackDomains].update(track, options)))


@track_domain_group.command("remove")
@click.argument("name")
@server_option
@json_option
@pass_session
def remove(session: Session, name: str, server: str | None) -> None:
    """Remove a track domain: mail is no longer tracked."""
    track = _find(session, name, server)
    session.call(session.posthorn[TrackDomains].remove(track))
    session.show({"removed": track_host(track)}, f"Removed {visible(track_host(track))}.")


def _find(session: Session, name: str, server: str | None) -> TrackDomain:
    owner = session.server(server)
    return session.call(session.posthorn[TrackDomains].find(owner, name))


def _show(session: Session, track: TrackDomain) -> None:
    record = session.posthorn[TrackDomains].record(track)
    told = f"  {visible(f'{record.kind} {record.name}')}\n    {visible(record.value)}"
    text = f"{_facts(track)}\n\nPublish this record, then run `trackdomain check`:\n\n{told}"
    session.show(_shape(session, track), text)


def _shape(session: Session, track: TrackDomain) -> Shape:
    record = session.posthorn[TrackDomains].record(track)
    return {**track_domain_shape(track), "records": [record_shape(record)]}


def _facts(track: TrackDomain) -> str:
    excluded = ", ".join(track.excluded_click_domains)
    pairs = [
        ("Track domain", track_host(track)),
        ("Mail from", track.domain),
        ("Links at", f"{'https' if track.ssl_enabled else 'http'}://{track.name}/"),
        ("DNS", _status(track)),
        ("Clicks", yes(track.track_clicks)),
        ("Opens", yes(track.track_loads)),
        ("Excluded", excluded or "nothing"),
    ]
    return facts(pairs)


def _status(track: TrackDomain) -> str:
    if track.dns_status is None or track.dns_checked_at is None:
        return "not checked"
    return f"{track.dns_status.value}, {moment(track.dns_checked_at)}"
