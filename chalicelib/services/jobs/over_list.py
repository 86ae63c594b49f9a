"""A job over a list: it writes down what it is about, part by part, and then works through that."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.jobs import Job, Piece
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.jobs import Jobs
from chalicelib.services.jobs.kinds import Finding, Listing, ListState


async def part_found(
    jobs: Jobs, kind: Finding, owner: ServerId, job: Job, state: ListState
) -> Piece:
    """One more part written down."""
    ids, position = await kind.find(owner, job, state.position)
    parts = state.parts + bool(ids)
    if ids:
        await jobs.write_down(owner, job, state.parts, ids)
    found = state.text(parts=parts, position=position, is_found=position is None)
    return Piece(state=found, matched=len(ids))


async def piece_over_list(jobs: Jobs, kind: Listing, owner: ServerId, job: Job) -> Piece:
    """The next piece: one more part written down, or one worked through, or what comes of all."""
    state = ListState.parse(job.state)
    if not state.is_found:
        return await part_found(jobs, kind, owner, job, state)
    if state.next < state.parts:
        ids = await jobs.written_down(owner, job.id, state.next)
        done = await kind.act(owner, job, state.next, ids)
        return replace(done, state=state.text(next=state.next + 1))
    return Piece(state=job.state, result=await kind.finish(owner, job, state.parts), is_last=True)
