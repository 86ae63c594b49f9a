"""Organizations: creating, changing and suspending them.

A suspension and limits are copied to the organization's servers one by one, so that the mail path reads one value for
each message; a crash in between leaves some of them until the change is repeated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from chalicelib.domain.limits.limit import LimitOwner, OwnerKind
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import ALL_ORGANIZATIONS, of_organization
from chalicelib.domain.tenancy.permalink import ORGANIZATION_RESERVED
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.limit_lines import LimitLines
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.limit_fields import check_limits
from chalicelib.services.tenancy.names import (
    add_under_permalink,
    check_not_removed,
    checked_name,
)
from chalicelib.services.tenancy.time_zones import checked_time_zone


class Organizations:
    """The tenants of the installation (contract section 1.1)."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand, lines: LimitLines) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand
        self._lines = lines

    async def create(
        self,
        name: str,
        permalink: str | None = None,
        *,
        time_zone: str = "UTC",
        pools: tuple[str, ...] = (),
        **limits: Any,
    ) -> Organization:
        """A new organization. A permalink that is given and taken raises Conflict; one that is made from the name gets
        `-2`, `-3` … instead. InvalidRequest for an unusable name, permalink, time zone or limit; `pools` are the
        caller's to know."""
        name, time_zone = checked_name(name), checked_time_zone(time_zone)
        number = await self._repository.next_number("organization")

        async def add(candidate: str) -> Organization:
            organization = Organization(
                id=OrganizationId(number),
                permalink=candidate,
                name=name,
                uuid=new_uuid(self._rand.bytes(16)),
                created_at=int(self._clock.now()),
                time_zone=time_zone,
                pools=pools,
                **limits,
            )
            check_limits(organization)
            await check_not_removed(self._repository, ORGANIZATIONS, candidate)
            await self._repository.add(ORGANIZATIONS, organization)
            return organization

        return await add_under_permalink(name, permalink, ORGANIZATION_RESERVED, add)

    async def all(self) -> list[Organization]:
        """All organizations, by permalink."""
        return await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)

    async def get(self, permalink: str) -> Organization:
        """By permalink; NotFound."""
        return await self._repository.get(ORGANIZATIONS, Place(ALL_ORGANIZATIONS, permalink))

    async def update(
        self,
        organization: Organization,
        name: str | None = None,
        time_zone: str | None = None,
        **limits: Any,
    ) -> Organization:
        """Give an organization another name or time zone, or other limits, which its servers are told; its permalink
        stays. Safe to repeat after a failure half-way."""
        check_limits(replace(organization, **limits))
        changes: dict[str, Any] = dict(limits)
        if name is not None:
            changes["name"] = checked_name(name)
        if time_zone is not None:
            changes["time_zone"] = checked_time_zone(time_zone)
        changed = await self._modify(organization.permalink, **changes)
        if limits:
            await self._tell_servers(changed)
            owner = LimitOwner(OwnerKind.ORGANIZATION, changed.id)
            await self._lines.hurry(owner, self._clock.now())
        return changed

    async def suspend(self, permalink: str, reason: str) -> Organization:
        """Suspend an organization and with it all its servers; one that is suspended keeps its reason. Safe to repeat
        after a failure half-way."""
        reason, now = checked_name(reason, "reason"), int(self._clock.now())
        found = await self.get(permalink)
        suspended = await self._modify(
            permalink,
            suspended_at=found.suspended_at or now,
            suspension_reason=found.suspension_reason or reason,
        )
        return await self._tell_servers(suspended)

    async def unsuspend(self, permalink: str) -> Organization:
        """Lift an organization's suspension. Servers that were suspended themselves stay so."""
        freed = await self._modify(permalink, suspended_at=None, suspension_reason=None)
        return await self._tell_servers(freed)

    async def _modify(self, permalink: str, **fields: Any) -> Organization:
        place = Place(ALL_ORGANIZATIONS, permalink)
        return await self._repository.modify(
            ORGANIZATIONS, place, lambda one: replace(one, **fields)
        )

    async def _tell_servers(self, organization: Organization) -> Organization:
        suspended = organization.suspended_at is not None
        for server in await self._repository.all(SERVERS, of_organization(organization.id)):
            await self._repository.note(
                SERVERS,
                server,
                organization_suspended=suspended,
                organization_limits=organization.limits,
                organization_rates=organization.rate_limits,
            )
        return organization
