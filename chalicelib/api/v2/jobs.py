"""Jobs with API v2 (api.md 2.11): what is seen or started needs the scope of its type."""

from __future__ import annotations

import json
from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.job_models import Job, JobFault, JobPage, JobPreview, JobToStart
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.objects import Other, PageQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain import jobs as domain
from chalicelib.domain.errors import InvalidRequest, NotFound, Rejected
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner, Looked

_KEPT = ("file", "bytes")
# What is wrong when the type finds something wrong, also with an upload.
_AT = {
    ("import_suppressions", False): "/csv",
    ("import_suppressions", True): "/upload",
    ("replay_webhooks", False): "/url",
}


async def list_jobs(call: Call, query: PageQuery) -> JobPage:
    """List jobs, newest first: those of types that the key has the scope for."""
    owner, jobs = _owner(call), call.program[KeepJobs]
    page = await jobs.page(owner, query.limit, await read_cursor(call, query))
    seen = [one for one in page.values if jobs.scope(one) in call.caller.scopes]
    return JobPage(
        data=[await _shown(call, owner, one) for one in seen],
        has_more=page.next_cursor is not None,
        next_cursor=await render_cursor(call, query, page.next_cursor),
    )


async def start_job(call: Call, wanted: JobToStart) -> Job | Other:
    """Start a job, or with `dry_run` look what it would be about."""
    owner, jobs = _owner(call), call.program[KeepJobs]
    given = json.loads(wanted.model_dump_json(exclude_none=True, exclude={"type", "dry_run"}))
    try:
        kind = jobs.kind(owner, wanted.type)
    except Rejected as wrong:
        raise invalid_at("/type", "invalid", wrong.public) from wrong
    for name in given:
        if name not in kind.fields:
            raise invalid_at(f"/{name}", "extra_forbidden", "is no parameter of this type")
    _check(wanted)
    call.caller.require(kind.scope(given))
    try:
        if wanted.dry_run:
            return Other(200, _preview(wanted.type, await jobs.look(owner, wanted.type, given)))
        job = await jobs.start(owner, wanted.type, given)
    except NotFound as missing:
        raise invalid_at("/upload", "unknown_reference", missing.public) from missing
    except InvalidRequest:
        raise
    except Rejected as wrong:
        raise invalid_at(_AT[wanted.type, bool(wanted.upload)], "invalid", wrong.public) from wrong
    return await _shown(call, owner, job)


async def show_job(call: Call) -> Job:
    """Show a job, and how far it is."""
    owner = _owner(call)
    return await _shown(call, owner, await _job(call, owner))


async def stop_job(call: Call) -> Job:
    """Stop a job within five seconds; what it has done stays."""
    owner = _owner(call)
    job = await _job(call, owner)
    return await _shown(call, owner, await call.program[KeepJobs].stop(owner, job.id))


def _owner(call: Call) -> JobOwner:
    tenant = call.acts_in
    return JobOwner(tenant.organization_id, tenant.name, tenant.server)


async def _job(call: Call, owner: JobOwner) -> domain.Job:
    jobs = call.program[KeepJobs]
    job = await jobs.get(owner, call.value("id"))
    if scope := jobs.scope(job):
        call.caller.require(scope)
    return job


def _check(wanted: JobToStart) -> None:
    """What a type needs is there."""
    is_import = wanted.type == "import_suppressions"
    if is_import and (wanted.csv is None) is (wanted.upload is None):
        raise invalid_at("/csv", "required", "is needed, or upload, and not both")
    if is_import and (wanted.scope == "stream") is not (wanted.stream is not None):
        raise invalid_at("/stream", "required", "goes with the scope stream, and with that alone")
    if wanted.type == "export" and wanted.what is None:
        raise invalid_at("/what", "required", "is needed")


def _preview(name: str, looked: Looked) -> JobPreview:
    return JobPreview(
        type=name,
        matched=looked.matched,
        exact=looked.is_exact,
        by_status={},
        skipped=[],
        sample=list(looked.sample),
        result=None if looked.result is None else dict(looked.result),
    )


async def _shown(call: Call, owner: JobOwner, job: domain.Job) -> Job:
    parameters = json.loads(job.parameters)
    result = await call.program[KeepJobs].shown(owner, job)
    return Job.model_validate(
        {
            "id": job.id,
            "type": job.type,
            "status": job.status,
            "parameters": {name: one for name, one in parameters.items() if name not in _KEPT},
            "matched": job.matched,
            "done": job.done,
            "failed": job.failed,
            "errors": [JobFault(id=one.id or None, detail=one.detail) for one in job.errors],
            "result": result,
            "created_by": job.created_by,
            "created_at": job.created_at,
            "finished_at": job.finished_at,
        }
    )


_JOBS: dict[str, Any] = {"tenant": "organization"}
_ONE = "/jobs/{id}"
ROUTES = (
    route("GET /jobs", list_jobs, JobPage, query=PageQuery, **_JOBS),
    route(
        "POST /jobs",
        start_job,
        Job,
        status=202,
        also={200: JobPreview},
        body=JobToStart,
        location=_ONE,
        takes_large_bodies=True,
        note="It needs the scope of its type: `suppressions:write` for an import, `suppressions:read` for an export, "
        "`webhooks:write` for replays.",
        **_JOBS,
    ),
    route(f"GET {_ONE}", show_job, Job, **_JOBS),
    route(f"POST {_ONE}/stop", stop_job, Job, **_JOBS),
)
