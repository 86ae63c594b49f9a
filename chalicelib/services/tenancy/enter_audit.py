"""Entries of the audit log for what is stored elsewhere than the configuration, entered once that is done."""

from __future__ import annotations

from contextlib import suppress

from chalicelib.domain.errors import Conflict, Contended, NotFound
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    NO_HASH,
    ChainHead,
    Told,
    entry_told,
    of_chain,
)
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.acting import who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository

MOST_TRIES = 24


class EnterAudit:
    """Enters what whoever acts has done into the chain of an organization."""

    def __init__(self, repository: Repository, clock: Clock) -> None:
        self._repository = repository
        self._clock = clock

    async def enter(self, organization: OrganizationId, tenant: str, told: Told) -> None:
        """Behind the newest entry; another that comes between is followed. Raises TemporaryFailure."""
        who = who_acts()
        if who is None:
            return
        for _ in range(MOST_TRIES):
            head, verb = await self._head(organization)
            entry = entry_told(told, who, self._clock.now(), head, tenant)
            after = ChainHead(organization, entry.number, entry.hash)
            with suppress(Conflict, Contended):
                await self._repository.change(
                    Change(Verb.ADD, AUDIT_ENTRIES, entry), Change(verb, CHAIN_HEADS, after)
                )
                return
        raise Contended("Too many changes at a time; try again")

    async def _head(self, organization: OrganizationId) -> tuple[ChainHead, Verb]:
        try:
            found = await self._repository.get(CHAIN_HEADS, Place(of_chain(organization)))
        except NotFound:
            return ChainHead(organization, 0, NO_HASH), Verb.ADD
        return found, Verb.REPLACE
