"""People in an organization: what it asks of them, and that an operator who is no member has looked into it.

A look of an operator is entered in the organization's log once an hour, in the name of the operator (api.md 2.2).
"""

from __future__ import annotations

from chalicelib.domain.deeds import Deed
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.audit import Acting
from chalicelib.domain.tenancy.audit_deeds import Told, deed_of
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.caller import Caller, Tenant
from chalicelib.services.tenancy.enter_audit import EnterAudit

HOUR = 3_600
MOST_NOTED = 10_000


class Visits:
    """Looks after people who come into an organization."""

    def __init__(self, repository: Repository, entries: EnterAudit, clock: Clock) -> None:
        self._repository = repository
        self._entries = entries
        self._clock = clock
        self._noted: set[str] = set()

    async def needs_factor(self, tenant: Tenant) -> bool:
        """Whether the organization requires a second factor of its members."""
        place = Place(ALL_ORGANIZATIONS, tenant.permalink)
        found = (await self._repository.get_many(ORGANIZATIONS, [place])).get(place)
        return found is not None and found.require_second_factor

    async def note(self, caller: Caller, tenant: Tenant, address: str, request: str) -> None:
        """Enter that an operator who is no member is there, unless that was done in this hour."""
        person = caller.person
        if person is None or not person.user.admin or person.member_of(tenant.organization_id):
            return
        now = self._clock.now()
        name = f"visit {person.user.id} {int(now // HOUR)} {tenant.organization_id}"
        if name in self._noted:
            return
        await self._entries.deed(
            _deed(caller, tenant, Acting(caller.actor, address, request), now, name)
        )
        if len(self._noted) >= MOST_NOTED:
            self._noted.clear()
        self._noted.add(name)


def _deed(caller: Caller, tenant: Tenant, who: Acting, now: float, name: str) -> Deed:
    told = Told("organization", tenant.permalink, tenant.permalink, "visit", {}, {})
    owner = (tenant.organization_id, ServerId(-tenant.organization_id), tenant.permalink)
    return deed_of(told, who, now, owner, name)
