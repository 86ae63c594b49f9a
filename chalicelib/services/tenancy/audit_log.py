"""The audit log as it is read: pages of a chain, newest first, and whether the chain is whole (api.md 2.21)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.paging import EVERYTHING, MOST_LISTED, Filter, Page
from chalicelib.domain.tenancy.audit import (
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    AuditEntry,
    first_broken,
    of_chain,
)
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.repository import Repository


@dataclass(frozen=True, slots=True)
class EntryFilter:
    """Which entries. `actor` and `object` are ids or names, `tenants` servers, each with the time since when it is the
    one of its name (None: all); times as entries have them, since inclusive, until exclusive."""

    actor: str | None = None
    action: str | None = None
    object: str | None = None
    tenants: Mapping[str, str] | None = None
    since: str | None = None
    until: str | None = None

    def wants(self, entry: AuditEntry) -> bool:
        """Whether an entry is one of those."""
        return (
            self.actor in (None, entry.actor_id, entry.actor_name)
            and self.action in (None, entry.action)
            and self.object in (None, entry.object_id, entry.object_name)
            and (self.tenants is None or _is_of(entry, self.tenants))
            and (self.since is None or entry.at >= self.since)
            and (self.until is None or entry.at < self.until)
        )

    @property
    def as_filter(self) -> Filter:
        """The same for a list of the repository."""
        return EVERYTHING if self == EntryFilter() else Filter(test=self.wants)


def _is_of(entry: AuditEntry, tenants: Mapping[str, str]) -> bool:
    since = tenants.get(entry.tenant or "")
    return since is not None and entry.at >= since


class AuditLog:
    """The chains of the organizations, and (None) of the installation."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository

    async def page(
        self,
        chain: OrganizationId | None,
        wanted: EntryFilter,
        limit: int,
        cursor: str | None = None,
    ) -> Page[AuditEntry]:
        """At most `limit` (1 to 100) of the entries that are wanted, newest first. A bounded number is looked at, so a
        page may be shorter, also empty, and not the last."""
        return await self._repository.page(
            AUDIT_ENTRIES, of_chain(chain), limit, cursor, wanted.as_filter
        )

    async def first_broken(self, chain: OrganizationId | None) -> tuple[int, str | None]:
        """How many entries there are, and the id of the first that was changed, or before which one is missing."""
        place = Place(of_chain(chain))
        heads = await self._repository.get_many(CHAIN_HEADS, [place])
        newest_first = [entry async for entry in self._all(chain)]
        told = [entry.told for entry in reversed(newest_first)]
        broken = first_broken(told)
        if (
            broken is None
            and place in heads
            and heads[place].hash not in (e.hash for e in newest_first)
        ):
            broken = f"{heads[place].number:010d}"
        return len(told), broken

    async def _all(self, chain: OrganizationId | None) -> AsyncIterator[AuditEntry]:
        cursor: str | None = None
        while True:
            page = await self._repository.page(AUDIT_ENTRIES, of_chain(chain), MOST_LISTED, cursor)
            for entry in page.values:
                yield entry
            if (cursor := page.next_cursor) is None:
                return
