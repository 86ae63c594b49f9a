"""Jobs with API v2 (api.md 2.11): what is seen or started needs the scope of its type."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from chalicelib.api.v2.admission import Call, ServerSuspended
from chalicelib.api.v2.audit import readable_servers
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.job_models import (
    Job,
    JobFault,
    JobPage,
    JobPreview,
    JobToStart,
    Skipped,
)
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.mail_filters import looking
from chalicelib.api.v2.objects import Other, PageQuery
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain import jobs as domain
from chalicelib.domain.errors import InvalidRequest, NotFound, QuerySyntax, Rejected
from chalicelib.domain.mail.mailbox import envelope_address
from chalicelib.services.jobs.export import Export
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobKind, JobOwner, Looked

_KEPT = ("file", "bytes", "caller", "only")
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
    seen = [one for one in page.values if _needed(jobs, one) <= call.caller.scopes]
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
    _check(wanted, kind, owner)
    _check_names(kind, given)
    call.caller.require(*kind.scope(given).split())
    if given.get("endpoint") is not None:
        call.caller.require_content()
    given |= await _of_caller(call, wanted, kind)
    with _faults_by_field(wanted):
        if wanted.dry_run:
            async with looking(call, owner.number):
                looked = await jobs.look(owner, wanted.type, given)
            return Other(200, _preview(kind, given, looked))
        job = await jobs.start(owner, wanted.type, given)
    return await _shown(call, owner, job)


async def _before_starting(call: Call, wanted: JobToStart) -> None:
    if wanted.type == "erase" and not wanted.dry_run:
        await confirmed(call)


async def _of_caller(call: Call, wanted: JobToStart, kind: JobKind) -> dict[str, Any]:
    """What a job must know of whoever asks for it. ServerSuspended for one that sends, of a server that may not."""
    if kind.sends:
        _check_suspended(call)
        return {"caller": _caller(call)}
    return {"only": await readable_servers(call)} if wanted.what == "audit" else {}


@contextlib.contextmanager
def _faults_by_field(wanted: JobToStart) -> Iterator[None]:
    """What the type finds wrong is wrong with a field."""
    try:
        yield
    except NotFound as missing:
        raise invalid_at("/upload", "unknown_reference", missing.public) from missing
    except QuerySyntax as wrong:
        raise invalid_at("/filter/q", "query_syntax", wrong.public) from wrong
    except InvalidRequest:
        raise
    except Rejected as wrong:
        raise invalid_at(_AT[wanted.type, bool(wanted.upload)], "invalid", wrong.public) from wrong


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
    call.caller.require(*(jobs.scope(job) or "").split())
    return job


def _needed(jobs: KeepJobs, job: domain.Job) -> set[str | None]:
    scopes = jobs.scope(job)
    return {None} if scopes is None else set(scopes.split())


def _caller(call: Call) -> dict[str, Any]:
    """Whoever asks, as far as a job acts for them."""
    key = call.caller.key
    return {"id": key.id, "name": key.name, "is_limited": call.caller.servers is not None}


def _check_suspended(call: Call) -> None:
    if call.acts_in.server is not None and call.acts_in.server.is_suspended:
        raise ServerSuspended("This server is suspended")


def _check_names(kind: JobKind, given: dict[str, Any]) -> None:
    """Nothing is there that the type does not take."""
    for name in given:
        if name not in kind.fields:
            raise invalid_at(f"/{name}", "extra_forbidden", "is no parameter of this type")
    known = kind.filters(given)
    for name in given.get("filter") or {}:
        if name not in known:
            raise invalid_at(f"/filter/{name}", "extra_forbidden", "is no filter of this type")


def _check(wanted: JobToStart, kind: JobKind, owner: JobOwner) -> None:
    """What a type needs is there."""
    if "ids" in kind.fields and (wanted.ids is None) is (wanted.filter is None):
        raise invalid_at("/filter", "required", "is needed, or ids, and not both")
    is_import = wanted.type == "import_suppressions"
    if is_import and (wanted.csv is None) is (wanted.upload is None):
        raise invalid_at("/csv", "required", "is needed, or upload, and not both")
    if is_import and (wanted.scope == "stream") is not (wanted.stream is not None):
        raise invalid_at("/stream", "required", "goes with the scope stream, and with that alone")
    if wanted.type == "erase" and envelope_address(wanted.address or "") is None:
        raise invalid_at("/address", "address", "must be a mail address")
    if isinstance(kind, Export):
        if wanted.what is None:
            raise invalid_at("/what", "required", "is needed")
        if not kind.is_for(owner, {"what": wanted.what}):
            raise invalid_at("/what", "invalid", "is of a server: name one in Posthorn-Tenant")


def _preview(kind: JobKind, given: dict[str, Any], looked: Looked) -> JobPreview:
    return JobPreview(
        type=kind.type,
        matched=looked.matched,
        exact=looked.is_exact,
        by_status=dict(looked.by_status),
        skipped=[Skipped(detail=one.detail, count=one.count) for one in looked.skipped],
        sample=[_thing(kind, given, one) for one in looked.sample],
        result=None if looked.result is None else dict(looked.result),
    )


def _thing(kind: JobKind | None, given: dict[str, Any], name: str) -> int | str:
    """What a job is about, as its type calls it."""
    return int(name) if kind is not None and kind.has_numbers(given) else name


async def _shown(call: Call, owner: JobOwner, job: domain.Job) -> Job:
    parameters = json.loads(job.parameters)
    jobs = call.program[KeepJobs]
    result, kind = await jobs.shown(owner, job), jobs.known(job)
    return Job.model_validate(
        {
            "id": job.id,
            "type": job.type,
            "status": job.status,
            "parameters": {name: one for name, one in parameters.items() if name not in _KEPT},
            "matched": job.matched,
            "done": job.done,
            "failed": job.failed,
            "errors": [
                JobFault(id=_thing(kind, parameters, one.id) if one.id else None, detail=one.detail)
                for one in job.errors
            ],
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
        before=_before_starting,
        location=_ONE,
        takes_large_bodies=True,
        note="It needs the scope of its type: `emails:write` for what is done with messages, `emails:send` to resend "
        "them, `suppressions:write` for an import, reading of what is exported, `webhooks:write` for replays of "
        "webhooks, `servers:write` to erase an address.",
        **_JOBS,
    ),
    route(f"GET {_ONE}", show_job, Job, **_JOBS),
    route(f"POST {_ONE}/stop", stop_job, Job, **_JOBS),
)
