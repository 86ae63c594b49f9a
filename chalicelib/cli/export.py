"""`posthorn export`: a list as a file, and with `--follow` what happens at a server as lines of JSON. Both go on where
they were stopped."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast, get_args

import click

from chalicelib.cli.commands import Command, Instant, fields_of, of_tenant, options
from chalicelib.cli.export_stream import follow_into, follow_to_screen
from chalicelib.cli.fetching import fetch
from chalicelib.cli.following import Following, follow_options
from chalicelib.cli.jobs import (
    OPEN,
    dry_run_option,
    ended,
    report,
    started,
    wait_option,
)
from chalicelib.cli.of_many import FLAGS
from chalicelib.cli.session import Session
from chalicelib.cli.statistics import asked_time
from posthorn_client.errors import PosthornError
from posthorn_client.models import Job, JobToStart, Reason, ReportKind, Scope

WHAT = ("suppressions", "emails", "reports", "audit")
_FILTERS = (
    *("q", "direction", "status", "to", "cause", "email", "actor", "action", "object"),
    *("address", "reason", "scope", "stream", "until"),
)
_filters = options(
    click.option("--q", metavar="QUERY", help="Of messages."),
    click.option("--direction", type=click.Choice(get_args(Scope)), help="Of messages."),
    click.option("--status", type=click.Choice(FLAGS), help="Of messages."),
    click.option("--to", metavar="ADDRESS", help="Of messages."),
    click.option(
        "--kind", "report_kind", type=click.Choice(get_args(ReportKind)), help="Of reports."
    ),
    click.option("--cause", help="Of reports."),
    click.option("--email", type=int, metavar="ID", help="Of reports."),
    click.option("--actor", help="Of the audit log."),
    click.option("--action", help="Of the audit log."),
    click.option("--object", help="Of the audit log."),
    click.option("--address", help="Of suppressions."),
    click.option("--reason", type=click.Choice(get_args(Reason)), help="Of suppressions."),
    click.option("--scope", help="Of suppressions."),
    click.option("--stream", help="Of suppressions."),
    click.option("--until", type=Instant(), help="Before this time; not of messages."),
)


@click.command("export", cls=Command)
@click.argument("what", type=click.Choice(WHAT), required=False)
@click.option("--follow", is_flag=True, help="Events of a server, until it is stopped.")
@follow_options
@click.option("--cursor", help="Go on behind this place, which the run before has told.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write into this file; one that is not whole, or is followed, is gone on with.",
)
@click.option("--format", "form", type=click.Choice(("csv", "ndjson")), help="  [default: csv].")
@_filters
@dry_run_option
@wait_option
@of_tenant
def export_command(
    session: Session,
    tenant: str | None,
    what: str | None,
    follow: bool,
    output: Path | None,
    since: float | None,
    **given: Any,
) -> int:
    """Write a list into a file, or follow what happens at a server.

    A list is exported by a job; without --output it is told where its file can be fetched for an hour. With --follow
    the events of a server are written, one JSON object a line, as they happen. When that is stopped, by Ctrl-C or
    SIGTERM, it tells on standard error the cursor to go on with, and with --output goes on by itself: within a day
    nothing is missed, and an event that comes twice has the same id."""
    if follow is (what is not None):
        raise click.UsageError(f"Give one of {', '.join(WHAT)}, or --follow.")
    if follow:
        return _follow(session, tenant, output, since, given)
    wanted = fields_of(type="export", what=what, format=given["form"])
    wanted["filter"] = fields_of(
        **{name: given[name] for name in _FILTERS},
        kind=given["report_kind"],
        since=None if since is None else asked_time(since, session),
    )
    if given["dry_run"]:
        wanted["dry_run"] = True
    waits = not given["no_wait"]
    job = None if output is None else _begun(session, output, tenant)
    if job is None:
        job = started(session, cast("JobToStart", wanted), tenant, waits=False)
    if job is None:
        return 0
    if output is not None:
        _note(output).write_text(job["id"])
    if waits:
        job = ended(session, job, tenant)
        _fetch(job, output)
    return report(session, job)


def _follow(
    session: Session,
    tenant: str | None,
    output: Path | None,
    since: float | None,
    given: dict[str, Any],
) -> int:
    cursor = given["cursor"]
    if cursor is not None and since is not None:
        raise click.UsageError("Give either --cursor or --since, not both.")
    following = Following(session, tenant, kind=given["kind"], since=since, cursor=cursor)
    if output is None:
        follow_to_screen(following, given["interval"], given["polls"])
    else:
        follow_into(output, following, given["interval"], given["polls"])
    return 0


def _begun(session: Session, output: Path, tenant: str | None) -> Job | None:
    """The job of a file that is not whole yet, if it still is one."""
    note = _note(output)
    if not note.exists():
        return None
    try:
        job = session.client.show_job(note.read_text(), tenant=tenant)
    except PosthornError:
        return None
    result: Any = job["result"] or {}
    return job if job["status"] in OPEN or result.get("url") else None


def _fetch(job: Job, output: Path | None) -> None:
    result: Any = job["result"] or {}
    if output is not None and result.get("url"):
        fetch(str(result["url"]), output, result["bytes"])
        _note(output).unlink(missing_ok=True)


def _note(output: Path) -> Path:
    """What says which job a file comes from, until it is there."""
    return output.with_name(f"{output.name}.job")
