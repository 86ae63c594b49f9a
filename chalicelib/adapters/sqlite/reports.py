"""Reports on messages in mail.db."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase, key_of
from chalicelib.adapters.storage.cursors import parse_cursor, render_cursor
from chalicelib.adapters.storage.report_pages import listing_of, page_of
from chalicelib.domain.errors import NotFound
from chalicelib.domain.json_values import parse_value, render_value
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.paging import Page
from chalicelib.domain.report import Report, ReportFilter
from chalicelib.ports.reports import Reports

if TYPE_CHECKING:
    import apsw

MOST_OF_ONE = 1_000
_ADD = (
    "INSERT INTO reports(key, at, kind, cause, email, report_email, value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
)
_TOLD = "INSERT INTO events(key, kind, at, detail) VALUES (?, 'report', ?, ?)"
_SAME = "SELECT value FROM reports WHERE email = ? AND report_email = ?"
_ONE = "SELECT value FROM reports WHERE key = ?"
_OF = "SELECT value FROM reports WHERE email = ? ORDER BY report_email DESC LIMIT ?"
_PAGE = (
    "SELECT value FROM reports WHERE key > :low AND key < :high AND (:kind IS NULL OR kind = :kind)"
    " AND (:cause IS NULL OR cause = :cause) AND (:since IS NULL OR at >= :since)"
    " AND (:until IS NULL OR at < :until) ORDER BY key DESC LIMIT :limit"
)


class SqliteReports(Reports):
    """The `Reports` port over mail.db."""

    def __init__(self, database: MailDatabase) -> None:
        self._database = database

    async def add(self, server: ServerId, report: Report, *, brought: bool = False) -> Report:
        """Store it unless it is there; see the port."""
        email = key_of(server, report.email)
        row = (
            key_of(server, report.id),
            report.at,
            report.kind.value,
            report.cause,
            email,
            report.report_email,
            render_value(report),
        )

        def add(db: apsw.Connection) -> list[Any]:
            db.execute(_ADD, row)
            if db.changes() and not brought:
                db.execute(_TOLD, (email, report.at, row[-1]))
            return fetched(db, _SAME, (email, report.report_email))

        ((value,),) = await self._database.write(add)
        return parse_value(Report, value)

    async def get(self, server: ServerId, number: int) -> Report:
        """One report; NotFound."""
        rows = self._database.read(lambda db: fetched(db, _ONE, (key_of(server, number),)))
        if not rows:
            raise NotFound("There is no such report")
        return parse_value(Report, rows[0][0])

    async def of(self, server: ServerId, email: MessageId) -> tuple[Report, ...]:
        """The newest on a message, oldest first."""
        wanted = (key_of(server, email), MOST_OF_ONE)
        rows = self._database.read(lambda db: fetched(db, _OF, wanted))
        return tuple(parse_value(Report, value) for (value,) in reversed(rows))

    async def page(
        self, server: ServerId, wanted: ReportFilter, limit: int, cursor: str | None = None
    ) -> Page[Report]:
        """Newest first."""
        if wanted.email is not None:
            return page_of(server, await self.of(server, wanted.email), wanted, limit, cursor)
        listing = listing_of(server)
        named: dict[str, Any] = {
            "low": key_of(server, 0),
            "high": key_of(ServerId(server + 1), 0),
            "kind": wanted.kind.value if wanted.kind else None,
            "cause": wanted.cause,
            "since": wanted.since,
            "until": wanted.until,
            "limit": limit + 1,
        }
        if cursor is not None:
            named["high"] = key_of(server, parse_cursor(listing, cursor))
        rows = self._database.read(lambda db: fetched(db, _PAGE, named))
        found = tuple(parse_value(Report, value) for (value,) in rows[:limit])
        more = len(rows) > limit
        return Page(found, render_cursor(listing, found[-1].id) if more else None)
