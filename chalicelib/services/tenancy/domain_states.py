"""What is known of domains beside themselves: read and changed as values that may not be there yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain.errors import Conflict, Contended, NotFound
from chalicelib.domain.tenancy.domain_states import DOMAIN_STATES, DomainState
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.repository import Repository

MOST_TRIES = 4


class DomainStates:
    """The states of domains. One that was left behind by another domain of the same name counts as none."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def of(self, domain: Domain) -> DomainState:
        """The state of a domain."""
        return (await self.of_each([domain]))[0]

    async def of_each(self, domains: Sequence[Domain]) -> list[DomainState]:
        """The states of domains, in their order."""
        places = [_place(one) for one in domains]
        found = await self._repository.get_many(DOMAIN_STATES, places)
        return [_own(found.get(place), one) for place, one in zip(places, domains, strict=True)]

    async def change(
        self, domain: Domain, how: Callable[[DomainState], DomainState]
    ) -> DomainState:
        """The state as `how` changes it, which is asked again when another change came between. Contended."""
        for _ in range(MOST_TRIES):
            try:
                return await self._repository.modify(
                    DOMAIN_STATES, _place(domain), lambda one: how(_own(one, domain))
                )
            except NotFound:
                first = how(DomainState.of(domain))
            try:
                await self._repository.add(DOMAIN_STATES, first)
            except Conflict:  # somebody else was first
                continue
            return first
        raise Contended("Too many changes at a time; try again")


def _place(domain: Domain) -> Place:
    return DOMAIN_STATES.place(DomainState.of(domain))


def _own(found: DomainState | None, domain: Domain) -> DomainState:
    return found if found is not None and found.uuid == domain.uuid else DomainState.of(domain)
