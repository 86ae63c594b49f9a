"""Entries of the audit log for what was done with messages by hand: the consumer of the outbox behind them.

An operation is stored with the state that it changed, and its entry here, in another store. Whoever operates has it
entered at once; if that fails, or the process dies before, the outbox does it later. Each operation has one entry,
because its name is unique among those of its chain (ADR 41). What a send limit lets go by itself is nobody's doing, and
has none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from chalicelib.domain.changes import Change, Operated
from chalicelib.domain.errors import Conflict, Contended, NotFound
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.operations import RESEND, Operation
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    ENTRY_OF_OPERATION,
    NO_HASH,
    ChainHead,
    entry_of_operation,
    of_chain,
)
from chalicelib.domain.tenancy.change import Change as Edit
from chalicelib.domain.tenancy.change import Verb
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository

LOG = logging.getLogger("posthorn.audit")
MOST_TRIES = 8


class RecordOperations:
    """Enters operations into the chains of their organizations."""

    def __init__(self, repository: Repository, messages: MessageStore) -> None:
        self._repository = repository
        self._messages = messages

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Enter what was done by hand, one after the other; how many there were."""
        operated = [
            one for one in changes if isinstance(one, Operated) and not one.operation.is_automatic
        ]
        for one in operated:
            await self.record(one.server, one.message, one.operation)
        return {"operations": len(operated)} if operated else {}

    async def record(self, server: ServerId, message: MessageId, operation: Operation) -> None:
        """Enter an operation that is stored with this message, unless it has its entry. Raises TemporaryFailure."""
        if operation.verb == RESEND:
            await self._messages.note_resent(server, operation.message, Scope.OUTGOING, message)
        owner = await self._owner(server)
        if owner is None:
            LOG.error("a server is forgotten before its operations were entered")
            return
        chain, called = owner
        name = f"{server}/{message}/{operation.attempt}"
        for _ in range(MOST_TRIES):
            if await self._is_entered(chain, name):
                return
            with suppress(Conflict, Contended):
                await self._enter(chain, called, operation, name)
                return
        raise Contended("Too many changes at a time; try again")

    async def _owner(self, server: ServerId) -> tuple[OrganizationId, str] | None:
        """Whose chain it is, and what the server is called, or was until it was removed."""
        try:
            found = await self._repository.get(SERVERS, Place(of_server(server)))
        except NotFound:
            removed = await self._repository.all(REMOVALS, ALL_REMOVALS)
            return next(
                ((one.organization_id, one.name) for one in removed if one.server_id == server),
                None,
            )
        return found.organization_id, found.full_name

    async def _is_entered(self, chain: OrganizationId, name: str) -> bool:
        try:
            await self._repository.find(
                AUDIT_ENTRIES, ENTRY_OF_OPERATION, Place(of_chain(chain), name)
            )
        except NotFound:
            return False
        return True

    async def _enter(
        self, chain: OrganizationId, server: str, operation: Operation, name: str
    ) -> None:
        """Conflict or Contended when another entry came first, perhaps this one."""
        verb = Verb.REPLACE
        try:
            head = await self._repository.get(CHAIN_HEADS, Place(of_chain(chain)))
        except NotFound:
            verb, head = Verb.ADD, ChainHead(chain, 0, NO_HASH)
        entry = entry_of_operation(operation, name, head, server)
        after = ChainHead(chain, entry.number, entry.hash)
        await self._repository.change(
            Edit(Verb.ADD, AUDIT_ENTRIES, entry), Edit(verb, CHAIN_HEADS, after)
        )
