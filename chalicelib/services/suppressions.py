"""Suppression lists as people see and change them: what they do is entered into the audit log, addresses as hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.domain.errors import NotFound
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.suppression import (
    Name,
    Reason,
    Suppression,
    SuppressionFilter,
    SuppressionScope,
    list_of,
    scope_of,
)
from chalicelib.domain.suppression_told import told_of
from chalicelib.domain.tenancy.audit import Told
from chalicelib.domain.tenancy.servers import USUAL_DAYS, Server
from chalicelib.ports.acting import SYSTEM, who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.suppress import Listed, SuppressRecipients
from chalicelib.services.tenancy.enter_audit import EnterAudit


@dataclass(frozen=True, slots=True)
class ListOwner:
    """Whose list it is: an organization's, or a server's; `name` as in `acme/mail`."""

    organization: OrganizationId
    name: str
    server: Server | None = None

    @property
    def own(self) -> ServerId:
        """The number of its list."""
        return list_of(self.organization) if self.server is None else self.server.id

    @property
    def acting(self) -> list[ServerId]:
        """The lists that act on its mail."""
        shared = list_of(self.organization)
        return [shared] if self.server is None else [self.server.id, shared]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody lists. Without `keep_until` the entry ends as its reason says."""

    address: str
    reason: Reason
    stream: str | None = None
    note: str | None = None
    keep_until: int | None = None


class Suppressions:
    """What is done with lists by hand."""

    def __init__(
        self,
        clock: Clock,
        suppressions: SuppressionList,
        suppress: SuppressRecipients,
        audit: EnterAudit,
    ) -> None:
        self._clock = clock
        self._suppressions = suppressions
        self._suppress = suppress
        self._audit = audit

    async def page(
        self, owner: ListOwner, wanted: SuppressionFilter, limit: int, position: str | None
    ) -> Page[Suppression]:
        """What acts on the owner's mail, newest first. Rejected for a position that no page gave."""
        now = self._clock.now()
        return await self._suppressions.page(owner.acting, wanted, limit, now, position)

    async def counts(self, owner: ListOwner) -> dict[Reason, int]:
        """How many entries act on the owner's mail, by reason."""
        found = dict.fromkeys(Reason, 0)
        counted = await self._suppressions.count(owner.acting, self._clock.now())
        for text, number in counted.items():
            found[Reason.of(text)] += number
        return found

    async def find(
        self,
        owner: ListOwner,
        address: str,
        scope: SuppressionScope | None = None,
        stream: str | None = None,
    ) -> Suppression:
        """The entry of an address: the server's, else the first stream's by name, else the organization's, of those
        that are asked for. NotFound."""
        for number in owner.acting:
            for entry in await self._suppressions.of(number, address, self._clock.now()):
                if scope in (None, entry.scope) and stream in (None, entry.stream):
                    return entry
        raise NotFound("This address is not on the suppression list")

    async def add(self, owner: ListOwner, wanted: Wanted) -> Listed:
        """List a recipient, or renew its entry. Raises TemporaryFailure."""
        now = self._clock.now()
        entry = Suppression(
            address=wanted.address,
            reason=wanted.reason.text,
            at=now,
            keep_until=self._until(owner, wanted, now),
            scope=scope_of(owner.own, wanted.stream),
            stream=wanted.stream,
            note=wanted.note,
            created_by=(who_acts() or SYSTEM).actor.name,
        )
        before: list[Suppression] = []

        def renewal(known: Suppression, new: Suppression) -> Suppression:
            before[:] = [known]
            return known.replaced(new)

        listed = await self._suppress.put(owner.own, entry, renewal)
        after = told_of(listed.entry)
        if listed.is_new:
            await self._enter(owner, listed.entry, "create", {}, after)
        elif before != [listed.entry]:
            old = told_of(before[0])
            changed = {name for name in after if after[name] != old[name]}
            await self._enter(
                owner,
                listed.entry,
                "update",
                {name: old[name] for name in changed},
                {name: after[name] for name in changed},
            )
        return listed

    async def remove(
        self, owner: ListOwner, address: str, stream: str | None, note: str | None
    ) -> None:
        """Take a recipient off the owner's list, or off that of a stream. NotFound, TemporaryFailure."""
        gone = await self._suppress.remove(owner.own, Name(address, stream))
        if gone is None:
            raise NotFound("This address is not on the suppression list")
        after = {} if note is None else {"note": note}
        await self._enter(owner, gone, "delete", told_of(gone), after)

    def _until(self, owner: ListOwner, wanted: Wanted, now: float) -> int:
        if wanted.keep_until is not None:
            return wanted.keep_until
        days = USUAL_DAYS if owner.server is None else owner.server.suppression_days
        return self._suppress.until(wanted.reason, now, days)

    async def _enter(
        self,
        owner: ListOwner,
        entry: Suppression,
        verb: str,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
    ) -> None:
        digest = address_digest(entry.address)
        hidden = (
            {name: digest if name == "address" else one for name, one in told.items()}
            for told in (before, after)
        )
        told = Told("suppression", digest, digest, verb, *hidden)
        await self._audit.enter(owner.organization, owner.name, told)


def address_digest(address: str) -> str:
    """What stands for an address where none may stand."""
    return f"sha256:{hashlib.sha256(address.lower().encode()).hexdigest()}"
