"""Entries of the audit log for what was done by hand with messages, lists and jobs: the consumer of the outbox behind
them.

An operation is stored with the state that it changed, and its entry here, in another store. Whoever operates has it
entered at once; if that fails, or the process dies before, the outbox does it later. Each operation has one entry,
because its name is unique among those of its chain (ADR 41). What a send limit lets go by itself is nobody's doing, and
has none.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby

from chalicelib.domain.changes import Change, Done, Operated
from chalicelib.domain.errors import NotFound
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.operations import RESEND, Operation
from chalicelib.domain.tenancy.audit import AuditEntry, ChainHead, entry_of_operation
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.removals import ALL_REMOVALS, REMOVALS
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.repository import Repository
from chalicelib.services.tenancy.enter_audit import ENTRIES_AT_ONCE, EnterAudit

LOG = logging.getLogger("posthorn.audit")


class RecordOperations:
    """Enters operations into the chains of their organizations."""

    def __init__(self, repository: Repository, messages: MessageStore, audit: EnterAudit) -> None:
        self._repository = repository
        self._audit = audit
        self._messages = messages

    async def take(self, source: str, changes: Sequence[Change]) -> Mapping[str, int]:
        """Enter what was done by hand, in its order, some of a server at a time; how many there were."""
        by_hand = [one for one in changes if _is_by_hand(one)]
        for server, several in groupby(by_hand, key=_server_of):
            if server is None:
                for deed in (one.deed for one in several if isinstance(one, Done)):
                    await self._audit.deed(deed)
                continue
            named = [(one.message, one.operation) for one in several if isinstance(one, Operated)]
            for start in range(0, len(named), ENTRIES_AT_ONCE):
                await self._record(server, named[start : start + ENTRIES_AT_ONCE])
        return {"operations": len(by_hand)} if by_hand else {}

    async def record(self, server: ServerId, message: MessageId, operation: Operation) -> None:
        """Enter an operation that is stored with this message, unless it has its entry. Raises TemporaryFailure."""
        await self._record(server, [(message, operation)])

    async def _record(
        self, server: ServerId, operations: Sequence[tuple[MessageId, Operation]]
    ) -> None:
        for message, operation in operations:
            if operation.verb == RESEND:
                await self._messages.note_resent(server, operation.message, Scope.OUTGOING, message)
        owner = await self._owner(server)
        if owner is None:
            LOG.error("a server is forgotten before its operations were entered")
            return
        chain, called = owner
        wanted = {}
        for message, operation in operations:
            name = f"{server}/{message}/{operation.attempt}"
            wanted[name] = partial(_entry, operation, name, called)
        await self._audit.enter(chain, wanted)

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


def _is_by_hand(change: Change) -> bool:
    if isinstance(change, Operated):
        return not change.operation.is_automatic
    return isinstance(change, Done)


def _server_of(change: Change) -> ServerId | None:
    """The server whose message was operated on; None for a deed."""
    return change.server if isinstance(change, Operated) else None


def _entry(operation: Operation, name: str, called: str, head: ChainHead) -> AuditEntry:
    return entry_of_operation(operation, name, head, called)
