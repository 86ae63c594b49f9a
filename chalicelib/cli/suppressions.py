"""`posthorn suppression`: who is not written to, and why."""

from __future__ import annotations

import urllib.request
from pathlib import Path
from typing import Any, get_args

import click

from chalicelib.cli.commands import Group, expires_option, fields_of, of_server, of_tenant
from chalicelib.cli.fetching import answer_to
from chalicelib.cli.jobs import dry_run_option, report, started, wait_option
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time, time
from chalicelib.cli.terminal import clock_time, facts, visible
from posthorn_client.models import Reason, Suppression

LARGEST_IN_REQUEST = 3_000_000
SCOPES = ("organization", "server", "stream")
suppression_group = Group("suppression", "Suppressions: recipients that are not written to.")
scope_option = click.option("--scope", type=click.Choice(SCOPES), help="Whose mail it acts on.")
stream_option = click.option("--stream", metavar="NAME", help="In this stream alone.")
reason_option = click.option("--reason", type=click.Choice(get_args(Reason)), help="Only these.")
since_option = click.option(
    "--since", type=time, help="Only from then on: a time, or how long ago: 90m, 36h, 7d."
)
until_option = click.option("--until", type=time, help="Only before then; as --since.")


@suppression_group.command("list")
@click.option("--address", help="Only this one.")
@reason_option
@scope_option
@stream_option
@since_option
@until_option
@page_options
@of_tenant
def list_page(
    session: Session,
    tenant: str | None,
    address: str | None,
    reason: Any,
    scope: Any,
    stream: str | None,
    since: float | None,
    until: float | None,
    **paging: Any,
) -> None:
    """List who is not written to, newest first."""
    begin, end = asked_time(since, session), asked_time(until, session)
    show_pages(
        session,
        lambda limit, cursor: session.client.list_suppressions(
            limit=limit,
            cursor=cursor,
            address=address,
            reason=reason,
            scope=scope,
            stream=stream,
            since=begin,
            until=end,
            tenant=tenant,
        ),
        ("address", "scope", "reason", "since", "until"),
        _row,
        **paging,
    )


@suppression_group.command("show")
@click.argument("address")
@scope_option
@stream_option
@of_tenant
def show(
    session: Session, address: str, tenant: str | None, scope: Any, stream: str | None
) -> None:
    """Show why a recipient is not written to."""
    _show(
        session,
        session.client.show_suppression(address, scope=scope, stream=stream, tenant=tenant),
    )


@suppression_group.command("add")
@click.argument("address")
@stream_option
@click.option("--reason", type=click.Choice(get_args(Reason)), help="Why  [default: manual].")
@click.option("--note", metavar="TEXT", help="Why, in your words.")
@expires_option
@click.option("--never-expires", is_flag=True, help="It has no end.")
@of_tenant
def add(
    session: Session,
    address: str,
    tenant: str | None,
    stream: str | None,
    never_expires: bool,
    **given: Any,
) -> None:
    """Write no more to ADDRESS, or to all of a domain: '*@example.com'. One that is there is renewed."""
    body = fields_of(address=address, stream=stream, **given)
    if stream is not None:
        body["scope"] = "stream"
    if never_expires:
        body["expires_at"] = "never"
    _show(session, session.client.add_suppression(body, tenant=tenant))


@suppression_group.command("remove")
@click.argument("address")
@stream_option
@click.option("--note", metavar="TEXT", help="Why, for the audit log.")
@of_tenant
def remove(
    session: Session, address: str, tenant: str | None, stream: str | None, note: str | None
) -> None:
    """Take a recipient off the list."""
    session.client.delete_suppression(address, stream=stream, note=note, tenant=tenant)
    session.show({"address": address}, f"{visible(address)} may be written to again.")


@suppression_group.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@stream_option
@click.option(
    "--reason", type=click.Choice(get_args(Reason)), help="Of rows that name none of ours."
)
@dry_run_option
@wait_option
@of_server
def import_file(
    session: Session,
    file: Path,
    server: str | None,
    stream: str | None,
    reason: str | None,
    dry_run: bool,
    no_wait: bool,
) -> int:
    """Add the rows of a CSV file, ours or one of Postmark, SendGrid, Mailgun or Amazon SES."""
    wanted = fields_of(type="import_suppressions", stream=stream, reason=reason)
    if stream is not None:
        wanted["scope"] = "stream"
    if dry_run:
        wanted["dry_run"] = True
    content = file.read_bytes()
    text = _text(content)
    if text is None:
        wanted["upload"] = _uploaded(session, content, server)
    else:
        wanted["csv"] = text
    job = started(session, wanted, server, waits=not no_wait)
    return 0 if job is None else report(session, job)


@suppression_group.command("export")
@click.argument(
    "file", type=click.Path(dir_okay=False, writable=True, path_type=Path), required=False
)
@click.option("--format", "form", type=click.Choice(("csv", "ndjson")), help="  [default: csv].")
@click.option("--address", help="Only this one.")
@reason_option
@scope_option
@stream_option
@dry_run_option
@wait_option
@of_tenant
def export_file(
    session: Session,
    file: Path | None,
    tenant: str | None,
    form: str | None,
    dry_run: bool,
    no_wait: bool,
    **filtered: Any,
) -> int:
    """Write the list into FILE; without one show where it can be fetched."""
    wanted = fields_of(type="export", what="suppressions", format=form)
    wanted["filter"] = fields_of(**filtered)
    if dry_run:
        wanted["dry_run"] = True
    job = started(session, wanted, tenant, waits=not no_wait)
    if job is None:
        return 0
    result = job["result"] or {}
    if file is not None and result.get("url"):
        file.write_bytes(answer_to(urllib.request.Request(str(result["url"]))))  # noqa: S310  # what the API gave
    return report(session, job)


def _text(content: bytes) -> str | None:
    """A file as it goes into a request; None for what does not, because it is too large, or in a part not UTF-8."""
    try:
        return content.decode() if len(content) <= LARGEST_IN_REQUEST else None
    except UnicodeDecodeError:
        return None


def _uploaded(session: Session, content: bytes, server: str | None) -> str:
    """The id of a file that does not go into a request."""
    ticket = session.client.make_upload({"size": len(content)}, tenant=server)
    request = urllib.request.Request(  # noqa: S310  # what the API gave
        ticket["url"], content, dict(ticket["headers"]), method=ticket["method"]
    )
    answer_to(request)
    return ticket["id"]


def _show(session: Session, found: Suppression) -> None:
    evidence = found["evidence"]
    pairs = [
        ("Address", visible(found["address"])),
        ("Scope", _scope(found)),
        ("Reason", found["text"]),
        ("Note", visible(found["note"] or "")),
        ("Since", clock_time(found["created_at"])),
        ("By", visible(found["created_by"])),
        ("Until", _until(found)),
        ("Message", str(evidence["email"]) if evidence else ""),
        ("Report", str(evidence["report"] or "") if evidence else ""),
    ]
    session.show(found, facts([(name, value) for name, value in pairs if value]))


def _row(entry: Suppression) -> tuple[str, ...]:
    return (
        visible(entry["address"]),
        _scope(entry),
        entry["reason"],
        clock_time(entry["created_at"]),
        _until(entry),
    )


def _scope(entry: Suppression) -> str:
    return f"stream {entry['stream']}" if entry["stream"] else entry["scope"]


def _until(entry: Suppression) -> str:
    return "for good" if entry["expires_at"] is None else clock_time(entry["expires_at"])
