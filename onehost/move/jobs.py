"""Jobs on their way, with what they are about and their files.

One that is not over goes on at the other side behind the last piece that it kept here. Whose file is an upload, or was
kept with it, has it there under the key of that side.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import Job
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.blobs import BlobStore
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs

PAGE = 100
FILE = "file"
"""The parameter of a job that is the key of a file."""


async def copy_files(source: Posthorn, target: Posthorn, owner: ServerId) -> None:
    """The files of an owner that are not over and not there."""
    now, ours, theirs = source[Clock].now(), source[BlobStore], target[BlobStore]
    there = await theirs.files(owner, now)
    for name, at in (await ours.files(owner, now)).items():
        if name in there:
            continue
        try:
            content = await ours.get(await ours.kept(owner, name, now))
        except NotFound:
            continue
        await theirs.keep(owner, name, content, at)


async def copy_jobs(source: Posthorn, target: Posthorn, owner: ServerId) -> None:
    """All jobs of an owner, when nobody works at them any more."""
    async for job in _jobs(source, owner):
        if job.is_open:
            await _copy_pieces(source, target, owner, job)
        moved = await _with_file(target, owner, job)
        await target[Jobs].bring(owner, replace(moved, lease_until=0))


async def _jobs(source: Posthorn, owner: ServerId) -> AsyncIterator[Job]:
    now, cursor = source[Clock].now(), None
    while True:
        page = await source[Jobs].page(owner, PAGE, now, cursor)
        for one in page.values:
            yield one
        if (cursor := page.next_cursor) is None:
            return


async def _copy_pieces(source: Posthorn, target: Posthorn, owner: ServerId, job: Job) -> None:
    piece = 0
    while ids := await source[Jobs].written_down(owner, job.id, piece):
        await target[Jobs].write_down(owner, job, piece, ids)
        piece += 1


async def _with_file(target: Posthorn, owner: ServerId, job: Job) -> Job:
    """The job with the key that its file has there; as it was where that is no more."""
    parameters = json.loads(job.parameters)
    if FILE not in parameters:
        return job
    name, now, blobs = parameters[FILE].rpartition("/")[2], target[Clock].now(), target[BlobStore]
    for look in (blobs.kept, blobs.uploaded):
        try:
            ref = await look(owner, name, now)
        except NotFound:
            continue
        return replace(job, parameters=json.dumps(parameters | {FILE: ref.key}, ensure_ascii=False))
    return job
