"""Recipients to whom nothing is sent."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chalicelib.domain.deeds import Beside
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.suppression import Asked, Change, Name, Suppression, SuppressionFilter


class SuppressionList(Protocol):
    """Recipients not to send to (contract section 1.13), a list for each owner: a server, or an organization by the
    number that `chalicelib.domain.suppression.list_of` gives it. Addresses are compared without case, and `*@domain`
    is an entry like others. Entries that are over are not there."""

    async def listed(self, asked: Sequence[Asked], now: float) -> dict[Asked, Suppression]:
        """The entry that acts on each of those asked about (as given) on which one does: the organization's before the
        server's before the stream's, in each the address before `*@domain`. It may miss the changes of the last
        second."""

    async def get(
        self, owner: ServerId, names: Sequence[Name], now: float
    ) -> dict[Name, Suppression]:
        """Those of the names (as given) that are on a list, as it is at this moment."""

    async def of(self, owner: ServerId, address: str, now: float) -> list[Suppression]:
        """All that a list has of an address, as it is at this moment: the owner's, then those of streams by name."""

    async def put(
        self,
        owner: ServerId,
        entry: Suppression,
        before: Suppression | None,
        now: float,
        told: Sequence[Beside] = (),
    ) -> bool:
        """List a recipient in place of `before`, what was read (None: nothing), with what is told of it, or with
        nothing changed: False, when something else is there."""

    async def put_all(self, owner: ServerId, changes: Sequence[Change], now: float) -> set[Name]:
        """List recipients, each in place of what was read, and tell nobody. The names (as given) of those that are not
        listed, because something else is there; of entries with one name all but one are such."""

    async def remove(
        self, owner: ServerId, before: Suppression, told: Sequence[Beside] = ()
    ) -> bool:
        """Take `before`, what was read, off a list, with what is told of it, or with nothing changed: False, when
        something else is there or nothing."""

    async def page(
        self,
        owners: Sequence[ServerId],
        wanted: SuppressionFilter,
        limit: int,
        now: float,
        position: str | None = None,
    ) -> Page[Suppression]:
        """Entries of these lists together, newest first. A page reads a bounded number of entries, however few of them
        are wanted, unless an address is asked for. Rejected for a position that no page gave."""

    async def walk(
        self, owner: ServerId, limit: int, now: float, position: str | None = None
    ) -> Page[Suppression]:
        """All of a list in an order that nothing changes: what is added and removed meanwhile moves nothing else."""

    async def count(self, owners: Sequence[ServerId], now: float) -> dict[str, int]:
        """How many entries these lists have together, by the texts of their reasons: it looks at all of them."""
