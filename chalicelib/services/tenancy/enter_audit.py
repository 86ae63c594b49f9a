"""Entries of the audit log for what is stored elsewhere than the configuration, entered once that is done.

What was done is stored with its change, under a name. Whoever did it has it entered at once; what that leaves undone,
by a death or a store that is away, the outbox does. A name is entered once in a chain (ADR 41).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from chalicelib.domain.deeds import Deed
from chalicelib.domain.errors import Conflict, Contended, NotFound, TemporaryFailure
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    ENTRY_OF_OPERATION,
    NO_HASH,
    AuditEntry,
    ChainHead,
    of_chain,
)
from chalicelib.domain.tenancy.audit_deeds import entry_of_deed
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.repository import Repository

LOG = logging.getLogger("posthorn.audit")
MOST_TRIES = 8
ENTRIES_AT_ONCE = 30  # of the hundred items of a transaction; an entry with its look-up is two
EntryBehind = Callable[[ChainHead], AuditEntry]
"""What makes an entry that stands behind the newest one."""


class EnterAudit:
    """Enters what was done into the chain of an organization."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def at_once(self, deed: Deed | None) -> None:
        """Enter what was just stored with its change, as far as that is possible now."""
        if deed is None:
            return
        try:
            await self.deed(deed)
        except TemporaryFailure as away:
            LOG.warning("an entry is left to the outbox: %s", away.public)

    async def deed(self, deed: Deed) -> None:
        """Enter a deed, unless it has its entry. Raises TemporaryFailure."""
        await self.enter(deed.organization, {deed.name: lambda head: entry_of_deed(deed, head)})

    async def enter(self, chain: OrganizationId | None, wanted: Mapping[str, EntryBehind]) -> None:
        """Enter what has these names behind the newest entry of an organization's chain, or (None) the installation's,
        in this order and at most ENTRIES_AT_ONCE, but for those that are there; others that come between are followed.
        All of them or none. Raises TemporaryFailure."""
        for _ in range(MOST_TRIES):
            entered = await asyncio.gather(*(self._is_entered(chain, name) for name in wanted))
            left = [one for one, done in zip(wanted.values(), entered, strict=True) if not done]
            if not left:
                return
            with suppress(Conflict, Contended):
                await self._add(chain, left)
                return
        raise Contended("Too many changes at a time; try again")

    async def _add(self, chain: OrganizationId | None, left: Sequence[EntryBehind]) -> None:
        head, verb = await self._head(chain)
        changes: list[Change[Any]] = []
        for entry_behind in left:
            entry = entry_behind(head)
            head = ChainHead(chain, entry.number, entry.hash)
            changes.append(Change(Verb.ADD, AUDIT_ENTRIES, entry))
        await self._repository.change(*changes, Change(verb, CHAIN_HEADS, head))

    async def _is_entered(self, chain: OrganizationId | None, name: str) -> bool:
        place = Place(of_chain(chain), name)
        try:
            await self._repository.find(AUDIT_ENTRIES, ENTRY_OF_OPERATION, place)
        except NotFound:
            return False
        return True

    async def _head(self, organization: OrganizationId | None) -> tuple[ChainHead, Verb]:
        try:
            found = await self._repository.get(CHAIN_HEADS, Place(of_chain(organization)))
        except NotFound:
            return ChainHead(organization, 0, NO_HASH), Verb.ADD
        return found, Verb.REPLACE
