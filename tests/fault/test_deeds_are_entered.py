"""Who dies between a change by hand and its entry in the audit log leaves both: the outbox enters what was stored."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from chalicelib import bootstrap
from chalicelib.domain.suppression import Name
from chalicelib.domain.tenancy.audit import AuditEntry
from chalicelib.ports.clock import Clock
from chalicelib.ports.jobs import Jobs
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from tests.fault.by_hand import ADDRESS, WHO
from tests.fault.stage import Stage


@dataclass(frozen=True)
class Deed:
    """What is done, behind what, and the call that does it."""

    verb: str
    action: str
    call: str
    first: tuple[str, ...] = ()


DEEDS = [
    Deed("put_on_the_list", "suppression.create", "suppressions.put"),
    Deed("renew_on_the_list", "suppression.update", "suppressions.put", ("put_on_the_list",)),
    Deed("take_off_the_list", "suppression.delete", "suppressions.remove", ("put_on_the_list",)),
    Deed("start_a_job", "job.create", "jobs.add"),
    Deed("stop_a_job", "job.stop", "jobs.change", ("start_a_job",)),
]


def entries(stage: Stage, action: str) -> list[AuditEntry]:
    log, organization = stage.program[AuditLog], stage.server.organization_id
    page = bootstrap.run(log.page(organization, EntryFilter(action=action), 100))
    assert bootstrap.run(log.first_broken(organization))[1] is None
    return list(page.values)


def state(stage: Stage) -> object:
    """What is listed, and what jobs there are."""
    server, now = stage.server.id, stage.program[Clock].now()
    name = Name(ADDRESS)
    listed = bootstrap.run(stage.program[SuppressionList].get(server, [name], now)).get(name)
    jobs = bootstrap.run(stage.program[Jobs].page(server, 9, now)).values
    return listed and listed.reason, [one.status for one in jobs]


@pytest.mark.parametrize("deed", DEEDS, ids=lambda one: one.verb)
def test_what_was_stored_is_entered_once(stage: Stage, deed: Deed) -> None:
    for one in deed.first:
        stage.run(one)
    before = state(stage)
    stage.run(deed.verb, f"{deed.call}:before")
    assert (state(stage), entries(stage, deed.action)) == (before, [])
    stage.run(deed.verb, f"{deed.call}:after")
    assert state(stage) != before
    assert entries(stage, deed.action) == []
    for _ in range(2):
        stage.run("count")
    (entry,) = entries(stage, deed.action)
    assert (entry.actor_kind, entry.actor_id) == (WHO.actor.kind, WHO.actor.id)
    assert (entry.tenant, entry.address) == (stage.server.full_name, WHO.address)
    assert ADDRESS not in entry.before + entry.after + entry.object_id


@pytest.mark.parametrize("deed", DEEDS, ids=lambda one: one.verb)
def test_what_was_entered_at_once_is_not_entered_again(stage: Stage, deed: Deed) -> None:
    for one in (*deed.first, deed.verb):
        stage.run(one)
    assert len(entries(stage, deed.action)) == 1
    stage.run("count")
    assert len(entries(stage, deed.action)) == 1
