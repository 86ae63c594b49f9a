"""Pages of the reports on one message, which are few."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.report import Report, ReportFilter


def listing_of(server: ServerId) -> str:
    """The name that cursors have for a server's list."""
    return f"S#{server}#reports"


def page_of(
    server: ServerId,
    reports: Sequence[Report],
    wanted: ReportFilter,
    limit: int,
    cursor: str | None,
) -> Page[Report]:
    """Of these reports those that are wanted, newest first."""
    listing = listing_of(server)
    before = None if cursor is None else parse_cursor(listing, cursor)
    newest = sorted(reports, key=lambda report: report.id, reverse=True)
    left = [one for one in newest if (before is None or one.id < before) and wanted.passes(one)]
    shown, more = tuple(left[:limit]), len(left) > limit
    return Page(shown, render_cursor(listing, shown[-1].id) if more else None)
