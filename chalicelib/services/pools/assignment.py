"""Which pools an organization may use, as operators decide it: the default pool, who may have a pool, and who has it.

An organization without a choice of its own has the default pool alone. Mail goes by what its server says, so nothing
here is read on its way.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.errors import Conflict, NotFound, unknown_reference, wrong_field
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS, Organization
from chalicelib.domain.tenancy.owners import (
    ALL_ORGANIZATIONS,
    of_organization,
    of_pool,
    of_server,
)
from chalicelib.domain.tenancy.pool_rules import POOL_RULES
from chalicelib.domain.tenancy.pools import ALL_POOLS, FIRST_DEFAULT, POOLS, PoolSettings
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES, EgressSource
from chalicelib.ports.acting import acting, who_acts
from chalicelib.ports.queue import WorkQueue
from chalicelib.ports.repository import Repository
from chalicelib.services.pools.sources import no_such_pool


@dataclass(frozen=True, slots=True)
class Assignment:
    """What was chosen about every pool, by name."""

    chosen: dict[str, PoolSettings]

    @property
    def default(self) -> str:
        """The pool that an organization has without a choice."""
        named = (name for name, one in self.chosen.items() if one.is_default)
        return next(named, FIRST_DEFAULT)

    def pools_of(self, organization: Organization) -> tuple[str, ...]:
        """Those that an organization has."""
        return organization.pools or (self.default,)

    def first_of(self, organization: Organization) -> str:
        """The pool of a server that is made without one: the default pool if its organization has that."""
        known = self.pools_of(organization)
        return self.default if self.default in known else known[0]

    def may_have(self, organization: OrganizationId | None, pool: str) -> bool:
        """Whether an organization, or (None) a new one, may be given a pool."""
        known = self.chosen.get(pool)
        return known is None or known.organizations is None or organization in known.organizations


class PoolAssignment:
    """The pools of organizations (contract section 1.10)."""

    def __init__(self, repository: Repository, queue: WorkQueue) -> None:
        self._repository = repository
        self._queue = queue

    async def read(self) -> Assignment:
        """As it is at this moment."""
        found = await self._repository.all(POOLS, ALL_POOLS)
        return Assignment({one.name: one for one in found})

    async def check(self, organization: Organization, pool: str) -> None:
        """InvalidRequest unless the organization has this pool."""
        known = (await self.read()).pools_of(organization)
        if pool not in known:
            names = ", ".join(sorted(known))
            raise unknown_reference("pool", f"The organization has no pool {pool}; it has: {names}")

    async def give(self, organization: Organization, pools: Sequence[str] | None) -> Organization:
        """Have the organization use these pools, or (None) the default one. InvalidRequest for one that is not there,
        or that it may not have; Conflict while a server or a rule of it uses one that it would lose."""
        assignment = await self.read()
        wanted = await self._usable(assignment, organization.id, pools)
        lost = set(assignment.pools_of(organization)) - set(wanted or (assignment.default,))
        return await self._repository.modify(
            ORGANIZATIONS,
            Place(ALL_ORGANIZATIONS, organization.permalink),
            lambda one: replace(one, pools=wanted),
            lambda: self._check_unused(organization, lost),
        )

    async def usable(self, pools: Sequence[str] | None) -> tuple[str, ...]:
        """Pools as a new organization is made with them. InvalidRequest as `give`."""
        return await self._usable(await self.read(), None, pools)

    async def _usable(
        self,
        assignment: Assignment,
        organization: OrganizationId | None,
        pools: Sequence[str] | None,
    ) -> tuple[str, ...]:
        if pools is None:
            return ()
        if not pools:
            raise wrong_field("pools", "An organization has one pool at least")
        deployed = await self._queue.pools()
        for pool in pools:
            if pool not in deployed:
                raise unknown_reference("pools", no_such_pool(pool, deployed))
            if not assignment.may_have(organization, pool):
                raise wrong_field("pools", f"The organization may not have the pool {pool}")
        return tuple(dict.fromkeys(pools))

    async def set_default(self, pool: str) -> None:
        """Make a pool the default one; NotFound. An organization without a choice that uses the pool which was it until
        now keeps that beside the new one."""
        await self._check_there(pool)
        assignment = await self.read()
        chosen, earlier = assignment.chosen, assignment.default
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            if pool != earlier and not one.pools and await self._user_of(one, {earlier}):
                await self._repository.modify(
                    ORGANIZATIONS,
                    Place(ALL_ORGANIZATIONS, one.permalink),
                    lambda known: replace(known, pools=known.pools or (pool, earlier)),
                )
        after = dict(chosen)
        for name in {pool, *(one.name for one in chosen.values() if one.is_default)}:
            known = chosen.get(name, PoolSettings(name))
            after[name] = replace(known, is_default=name == pool)
        await self._store(chosen, after)

    async def limit(self, pool: str, permalinks: Sequence[str] | None) -> None:
        """Let these organizations alone have a pool, and give it to them; or (None) let each be given it. NotFound for
        the pool, InvalidRequest for an organization; Conflict while one that would lose it uses it."""
        await self._check_there(pool)
        assignment = await self.read()
        every = await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS)
        named = _named(every, permalinks or ())
        ids = None if permalinks is None else tuple(sorted(one.id for one in named))
        have = [one for one in every if pool in assignment.pools_of(one)]
        losing = [one for one in have if ids is not None and one.id not in ids]
        for one in losing:
            await self._check_unused(one, {pool})
            if assignment.pools_of(one) == (pool,):
                raise Conflict(f"The organization {one.permalink} would have no pool")
        before = assignment.chosen.get(pool, PoolSettings(pool))
        after = assignment.chosen | {pool: replace(before, organizations=ids)}
        await self._store(assignment.chosen, after)
        for one in named:
            if one not in have:
                await self.give(one, (*assignment.pools_of(one), pool))
        for one in losing:
            await self.give(one, [name for name in assignment.pools_of(one) if name != pool])

    async def check_goes(self, source: EgressSource) -> None:
        """Conflict when a pool that lives by its ways out would go with this one, and an organization has it."""
        if self._queue.pools_are_deployed or source.pool == FIRST_DEFAULT:
            return
        ways = await self._repository.all(SOURCES, of_pool(source.pool))
        if [one.name for one in ways] != [source.name]:
            return
        for one in await self._repository.all(ORGANIZATIONS, ALL_ORGANIZATIONS):
            if source.pool in one.pools:
                await self._check_unused(one, {source.pool})
                raise Conflict(f"The organization {one.permalink} has the pool {source.pool}")

    async def _check_there(self, pool: str) -> None:
        if pool not in await self._queue.pools():
            raise NotFound("There is no such pool")

    async def _store(self, before: dict[str, PoolSettings], after: dict[str, PoolSettings]) -> None:
        changes = [
            Change(Verb.REPLACE if name in before else Verb.ADD, POOLS, one)
            for name, one in after.items()
            if before.get(name) != one
        ]
        who = who_acts()
        # A pool is made by deploying: what is chosen about it first changes it too.
        with acting(None if who is None else replace(who, verb="update")):
            if changes:
                await self._repository.change(*changes)

    async def _check_unused(self, organization: Organization, pools: Collection[str]) -> None:
        """Conflict when a server or a rule of the organization uses one of the pools."""
        if (user := await self._user_of(organization, pools)) is not None:
            raise Conflict(user)

    async def _user_of(self, organization: Organization, pools: Collection[str]) -> str | None:
        """Who of an organization uses one of the pools, as a sentence."""
        if not pools:
            return None
        servers = await self._repository.all(SERVERS, of_organization(organization.id))
        for server in servers:
            if server.pool in pools:
                return f"The mail server {server.full_name} uses the pool {server.pool}"
        owners = [of_organization(organization.id), *(of_server(one.id) for one in servers)]
        for owner in owners:
            for rule in await self._repository.all(POOL_RULES, owner):
                if rule.pool in pools:
                    return f"The pool rule {rule.id} uses the pool {rule.pool}"
        return None


def _named(every: Sequence[Organization], permalinks: Sequence[str]) -> list[Organization]:
    known = {one.permalink: one for one in every}
    for name in permalinks:
        if name not in known:
            raise unknown_reference("organizations", f"There is no organization {name}")
    return [known[name] for name in dict.fromkeys(permalinks)]
