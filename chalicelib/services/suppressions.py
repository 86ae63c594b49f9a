"""Suppression lists as people see and change them: what they do is entered into the audit log, addresses as hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from chalicelib.domain.deeds import Deed
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
from chalicelib.domain.tenancy.audit import Acting
from chalicelib.domain.tenancy.audit_deeds import Told, deed_of
from chalicelib.domain.tenancy.servers import USUAL_DAYS, Server
from chalicelib.ports.acting import SYSTEM, who_acts
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.suppress import Listed, SuppressRecipients
from chalicelib.services.tenancy.enter_audit import EnterAudit
from chalicelib.services.tenancy.streams import Streams


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
        rand: Rand,
        streams: Streams,
    ) -> None:
        self._streams = streams
        self._clock = clock
        self._rand = rand
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
        """List a recipient, or renew its entry. InvalidRequest for a stream that the server lacks, TemporaryFailure."""
        if owner.server is not None and wanted.stream is not None:
            await self._streams.check_known(owner.server.id, {"/stream": wanted.stream})
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
        done = self._done(owner)
        listed = await self._suppress.put(
            owner.own, entry, Suppression.replaced, doing=done.changing
        )
        if listed.is_changed:
            await self._audit.at_once(done.deed)
        return listed

    async def remove(
        self, owner: ListOwner, address: str, stream: str | None, note: str | None
    ) -> None:
        """Take a recipient off the owner's list, or off that of a stream. NotFound, TemporaryFailure."""
        done = self._done(owner, note)
        gone = await self._suppress.remove(owner.own, Name(address, stream), doing=done.changing)
        if gone is None:
            raise NotFound("This address is not on the suppression list")
        await self._audit.at_once(done.deed)

    def _done(self, owner: ListOwner, note: str | None = None) -> _Done:
        name = f"suppression/{self._rand.bytes(12).hex()}"
        return _Done(owner, name, self._clock.now(), who_acts(), note)

    def _until(self, owner: ListOwner, wanted: Wanted, now: float) -> int:
        if wanted.keep_until is not None:
            return wanted.keep_until
        days = USUAL_DAYS if owner.server is None else owner.server.suppression_days
        return self._suppress.until(wanted.reason, now, days)


@dataclass(slots=True)
class _Done:
    """What is entered of a change by hand that is about to be stored; tried again, it is what was stored last. Nothing
    of what is only copied."""

    owner: ListOwner
    name: str
    at: float
    who: Acting | None
    note: str | None
    deed: Deed | None = None

    def changing(self, before: Suppression | None, after: Suppression | None) -> Sequence[Deed]:
        """The deed, to be stored with the change."""
        known = after or before
        if self.who is None or known is None:
            return ()
        digest = address_digest(known.address)
        old, new = ({} if one is None else told_of(one) for one in (before, after))
        if old and new:
            changed = {name for name in new if new[name] != old[name]}
            old, new = ({name: one[name] for name in changed} for one in (old, new))
        elif self.note is not None:
            new = {"note": self.note}
        verb = "create" if before is None else "delete" if after is None else "update"
        hidden = (
            {name: digest if name == "address" else one for name, one in told.items()}
            for told in (old, new)
        )
        told = Told("suppression", digest, digest, verb, *hidden)
        place = (self.owner.organization, self.owner.own, self.owner.name)
        self.deed = deed_of(told, self.who, self.at, place, self.name)
        return (self.deed,)


def address_digest(address: str) -> str:
    """What stands for an address where none may stand."""
    return f"sha256:{hashlib.sha256(address.lower().encode()).hexdigest()}"
