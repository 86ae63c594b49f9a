"""Where reports on messages live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from chalicelib.domain.numbering import MessageId, ServerId

if TYPE_CHECKING:
    from chalicelib.domain.paging import Page
    from chalicelib.domain.report import Report, ReportFilter


class Reports(Protocol):
    """Bounces, delays, complaints and automatic replies of a server's messages, by number."""

    async def add(self, server: ServerId, report: Report, *, brought: bool = False) -> Report:
        """Store a report, once for the message that it came with and the one that it is about: the one that is stored,
        which has another number when it was there before. Consumers are told of a new one as `Reported`, unless it was
        brought from another installation."""

    async def get(self, server: ServerId, number: int) -> Report:
        """One report; NotFound."""

    async def of(self, server: ServerId, email: MessageId) -> tuple[Report, ...]:
        """The newest thousand on a message, oldest first."""

    async def page(
        self, server: ServerId, wanted: ReportFilter, limit: int, cursor: str | None = None
    ) -> Page[Report]:
        """Newest first. A cursor that this server did not get from here raises Rejected."""
