"""`posthorn job`, and how other commands start one and wait for its end."""

from __future__ import annotations

import sys
from typing import Any

import click

from chalicelib.cli.commands import Group, of_tenant
from chalicelib.cli.paging import page_options, show_pages
from chalicelib.cli.session import Session
from chalicelib.cli.terminal import clock_time, facts, visible
from chalicelib.cli.waiting import pause
from posthorn_client.models import Job, JobToStart

PAUSE_SECONDS = 0.5
OPEN = ("queued", "running")
job_group = Group("job", "Jobs: what takes long, and how far it is.")
wait_option = click.option(
    "--no-wait", is_flag=True, help="Do not wait for the end; `posthorn job show` tells of it."
)
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only say what it would be about; nothing is done."
)


@job_group.command("list")
@page_options
@of_tenant
def list_page(session: Session, tenant: str | None, **paging: Any) -> None:
    """List jobs of the last 30 days, newest first."""
    show_pages(
        session,
        lambda limit, cursor: session.client.list_jobs(limit=limit, cursor=cursor, tenant=tenant),
        ("id", "type", "status", "matched", "done", "failed", "since"),
        _row,
        **paging,
    )


@job_group.command("show")
@click.argument("job", metavar="ID")
@of_tenant
def show(session: Session, job: str, tenant: str | None) -> None:
    """Show a job, how far it is and what came of it."""
    _show(session, session.client.show_job(job, tenant=tenant))


@job_group.command("stop")
@click.argument("job", metavar="ID")
@of_tenant
def stop(session: Session, job: str, tenant: str | None) -> None:
    """Stop a job; what it has done stays."""
    _show(session, session.client.stop_job(job, tenant=tenant))


def started(session: Session, wanted: JobToStart, tenant: str | None, *, waits: bool) -> Job | None:
    """The job that was asked for, at its end if somebody `waits` for it; None after a dry run, which is shown."""
    answer: Any = session.client.start_job(wanted, tenant=tenant)
    if "exact" in answer:
        session.show(answer, _looked(answer))
        return None
    job: Job = answer
    if waits:
        job = ended(session, job, tenant)
    return job


def report(session: Session, job: Job) -> int:
    """Show a job; the exit code is 0 only if nothing of it failed."""
    _show(session, job)
    return 1 if job["failed"] or job["status"] in ("failed", "stopped") else 0


def ended(session: Session, job: Job, tenant: str | None) -> Job:
    """The job at its end; on a terminal it is told how far it is."""
    is_shown = sys.stderr.isatty() and not session.json
    try:
        while job["status"] in OPEN:
            pause(PAUSE_SECONDS)
            job = session.client.show_job(job["id"], tenant=tenant)
            if is_shown:
                done = job["done"] + job["failed"]
                click.echo(f"\r{done:,} of {job['matched']:,} ", nl=False, err=True)
    finally:
        if is_shown:
            click.echo("", err=True)
    return job


def _show(session: Session, job: Job) -> None:
    result = job["result"] or {}
    invalid: Any = result.get("invalid") or []
    pairs = [
        ("Job", job["id"]),
        ("Type", job["type"]),
        ("Status", job["status"]),
        ("Matched", f"{job['matched']:,}"),
        ("Done", f"{job['done']:,}"),
        ("Failed", f"{job['failed']:,}"),
        *(
            (name.capitalize().replace("_", " "), str(one))
            for name, one in result.items()
            if name != "invalid"
        ),
        ("Since", clock_time(job["created_at"])),
        ("By", visible(job["created_by"])),
        ("Until", clock_time(job["finished_at"]) if job["finished_at"] else ""),
    ]
    text = facts([(name, value) for name, value in pairs if value])
    wrong = [visible(one["detail"]) for one in (*job["errors"], *invalid)]
    session.show(job, "\n".join([text, *wrong]))


def _looked(answer: Any) -> str:
    count = f"{answer['matched']:,}" if answer["exact"] else f"at least {answer['matched']:,}"
    lines = [f"It would be about {count}."]
    lines += [f"{one['count']:,}: {visible(one['detail'])}" for one in answer["skipped"]]
    if result := answer["result"]:
        lines.append(
            f"{result['added']:,} would be added, {result['updated']:,} updated, "
            f"{len(result['invalid']):,} rows are wrong."
        )
        lines += [visible(one["detail"]) for one in result["invalid"]]
    return "\n".join(lines)


def _row(job: Job) -> tuple[str, ...]:
    return (
        job["id"],
        job["type"],
        job["status"],
        f"{job['matched']:,}",
        f"{job['done']:,}",
        f"{job['failed']:,}",
        clock_time(job["created_at"]),
    )
