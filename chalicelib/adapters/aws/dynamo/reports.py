"""Reports on messages in the mail table, all of a server in one partition.

| Item | PK | SK |
|---|---|---|
| report | `S#<server>#REP` | `N#<number>` |
| that it is there, and on which message | `S#<server>#REP` | `M#<message>#<message that it came with>` |

Both are put together or not at all. A list reads the partition backwards and leaves out what is not wanted, at most
MOST_READ items a page.
"""

from __future__ import annotations

from chalicelib.adapters.aws.dynamo.table import MOVED, Item, Table, key_of
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.adapters.storage.report_pages import listing_of, page_of
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.report import Report, ReportFilter
from chalicelib.ports.reports import Reports

MOST_OF_ONE = 1_000
MOST_READ = 1_000
_NEW = "attribute_not_exists(PK)"


class DynamoReports(Reports):
    """The `Reports` port over the mail table."""

    def __init__(self, session: AwsSession, settings: Settings) -> None:
        self._table = Table(session, settings.mail_table)

    async def add(self, server: ServerId, report: Report, *, brought: bool = False) -> Report:
        """Put both items unless they are there; see the port."""
        place = _place(report.email, report.report_email)
        named: Item = {"n": {"S": MOVED}} if brought else {}
        failed = await self._table.transact(
            {"Put": {"Item": _item(server, place, report), "ConditionExpression": _NEW}},
            {"Put": {"Item": _item(server, _number(report.id), report) | named}},
        )
        if failed is None:
            return report
        item = await self._table.get(_partition(server), place)
        return report if item is None else read_report(item)

    async def get(self, server: ServerId, number: int) -> Report:
        """One read; NotFound."""
        item = await self._table.get(_partition(server), _number(number))
        if item is None:
            raise NotFound("There is no such report")
        return read_report(item)

    async def of(self, server: ServerId, email: MessageId) -> tuple[Report, ...]:
        """One query, backwards."""
        items = await self._query(server, f"M#{email:010d}#", MOST_OF_ONE)
        return tuple(read_report(item) for item in reversed(items))

    async def page(
        self, server: ServerId, wanted: ReportFilter, limit: int, cursor: str | None = None
    ) -> Page[Report]:
        """Newest first; a page may be short when much is left out."""
        if wanted.email is not None:
            reports_on = await self.of(server, wanted.email)
            return page_of(server, reports_on, wanted, limit, cursor)
        listing = listing_of(server)
        before = None if cursor is None else parse_cursor(listing, cursor)
        most = limit + 1 if wanted == ReportFilter() else MOST_READ
        reports = [read_report(item) for item in await self._query(server, "N#", most, before)]
        found = [report for report in reports if wanted.passes(report)]
        if len(found) > limit:
            return Page(tuple(found[:limit]), render_cursor(listing, found[limit - 1].id))
        more = len(reports) == most
        return Page(tuple(found), render_cursor(listing, reports[-1].id) if more else None)

    async def _query(
        self, server: ServerId, prefix: str, limit: int, before: int | None = None
    ) -> list[Item]:
        partition = _partition(server)
        return await self._table.query(
            ("PK", partition),
            sort="begins_with(SK, :prefix)",
            values={":prefix": {"S": prefix}},
            limit=limit,
            forward=False,
            consistent=True,
            after=None if before is None else (partition, _number(before)),
        )


def is_report(pk: str, sk: str) -> bool:
    """Whether a key is that of a report."""
    return pk.startswith("S#") and pk.endswith("#REP") and sk.startswith("N#")


def read_report(item: Item) -> Report:
    """The report of an item."""
    return parse_value(Report, item["v"]["S"])


def _partition(server: ServerId) -> str:
    return f"S#{server}#REP"


def _number(number: int) -> str:
    return f"N#{number:010d}"


def _place(email: MessageId, report_email: MessageId) -> str:
    return f"M#{email:010d}#{report_email:010d}"


def _item(server: ServerId, place: str, report: Report) -> Item:
    return key_of(_partition(server), place) | {"v": {"S": render_value(report)}}
