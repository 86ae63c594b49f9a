"""Old entries of the audit log go from the oldest on, never the newest, and what is left can be recomputed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from chalicelib.domain.durations import DAY
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy import audit
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.ports.acting import SYSTEM, acting
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy import audit_log, trim_audit
from chalicelib.services.tenancy.trim_audit import TrimAudit
from tests.contract.conftest import World
from tests.fakes import an_organization

if TYPE_CHECKING:
    import pytest


async def test_the_oldest_go_and_the_newest_stay(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (audit, trim_audit):
        monkeypatch.setattr(module, "LEAST_KEPT", 3)
    store, log = world[Repository], world[audit_log.AuditLog]
    organization = an_organization()
    with acting(SYSTEM):
        await store.add(ORGANIZATIONS, organization)
        for number in range(7):
            changed = await store.modify(
                ORGANIZATIONS,
                ORGANIZATIONS.place(organization),
                lambda one, n=number: replace(one, name=f"Acme {n}"),  # type: ignore[misc]
            )
            assert changed.name == f"Acme {number}"
            world.clock.advance(100 * DAY)
    before, broken = await log.first_broken(organization.id)
    assert broken is None
    gone = 0
    while some := await world[TrimAudit].run():
        gone += some
    assert gone >= 3
    after, broken = await log.first_broken(organization.id)
    assert broken is None
    assert before - after >= 3
    assert after >= 3
    world.clock.advance(9_999 * DAY)
    await world[TrimAudit].run()
    assert await log.first_broken(organization.id) == (3, None)
    monkeypatch.setattr(audit, "LEAST_KEPT", 4)
    assert (await log.first_broken(organization.id))[1] is not None  # fewer than it would have left


async def test_the_chain_of_a_deleted_organization_is_trimmed_too(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trim_audit, "LEAST_KEPT", 3)
    store, log = world[Repository], world[audit_log.AuditLog]
    organization = an_organization(id=await unused(world))
    with acting(SYSTEM):
        await store.add(ORGANIZATIONS, organization)
        for number in range(6):
            changed = replace(organization, name=f"Acme {number}")
            await store.replace(ORGANIZATIONS, changed)
            organization = changed
        await store.remove(ORGANIZATIONS, organization)
    world.clock.advance(401 * DAY)
    while await world[TrimAudit].run():
        pass
    monkeypatch.setattr(audit, "LEAST_KEPT", 3)
    assert await log.first_broken(organization.id) == (3, None)


async def unused(world: World) -> OrganizationId:
    """A number that rises from one on, of no organization yet, and without a chain."""
    for number in range(1, 100):
        chain = OrganizationId(number)
        if not (await world[audit_log.AuditLog].page(chain, audit_log.EntryFilter(), 1)).values:
            return chain
    raise AssertionError
