"""What the processes of a fault test do by hand with the list and the jobs of the tenant: VERBS by their names."""

from __future__ import annotations

import os

from chalicelib import bootstrap
from chalicelib.domain.suppression import Reason
from chalicelib.domain.tenancy.audit import Acting, Actor
from chalicelib.ports.acting import acting
from chalicelib.services.jobs.keep import KeepJobs
from chalicelib.services.jobs.kinds import JobOwner
from chalicelib.services.suppressions import ListOwner, Suppressions, Wanted
from chalicelib.services.tenancy.client_directory import ClientDirectory

ADDRESS = "ann@example.com"
WHO = Acting(Actor("key", "ada", "mkabcdefghij"), "192.0.2.7", "r-1")


async def put_on_the_list() -> None:
    program = bootstrap.posthorn()
    await program[Suppressions].add(await _of(ListOwner), Wanted(ADDRESS, Reason.MANUAL))


async def renew_on_the_list() -> None:
    program = bootstrap.posthorn()
    wanted = Wanted(ADDRESS, Reason.COMPLAINT, note="again")
    await program[Suppressions].add(await _of(ListOwner), wanted)


async def take_off_the_list() -> None:
    program = bootstrap.posthorn()
    await program[Suppressions].remove(await _of(ListOwner), ADDRESS, None, "sorry")


async def start_a_job() -> None:
    parameters = {"what": "suppressions"}
    await bootstrap.posthorn()[KeepJobs].start(await _of(JobOwner), "export", parameters)


async def stop_a_job() -> None:
    program, owner = bootstrap.posthorn(), await _of(JobOwner)
    (job,) = (await program[KeepJobs].page(owner, 9, None)).values
    await program[KeepJobs].stop(owner, job.id)


async def _of(kind: type[ListOwner | JobOwner]) -> ListOwner | JobOwner:
    organization, _, name = os.environ["FAULT_SERVER"].partition("/")
    server = await bootstrap.posthorn()[ClientDirectory].server_named(organization, name)
    return kind(server.organization_id, server.full_name, server)


def run(verb: str) -> None:
    with acting(WHO):
        bootstrap.run(VERBS[verb]())


VERBS = {
    one.__name__: one
    for one in (put_on_the_list, renew_on_the_list, take_off_the_list, start_a_job, stop_a_job)
}
