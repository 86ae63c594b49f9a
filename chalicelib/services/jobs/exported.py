"""What can be exported: a class for each list, which finds what it has and gives it out as objects of the API."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from chalicelib.domain.errors import NotFound
from chalicelib.domain.events.objects import report_object
from chalicelib.domain.events.whole_email import EMAIL_FIELDS, whole_email
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.report import ReportFilter, ReportKind
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.entity import Place
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.services.jobs.exported_rows import PART, Found, Row, moment, row, text_of
from chalicelib.services.jobs.exported_suppressions import ExportedSuppressions
from chalicelib.services.jobs.kinds import Parameters
from chalicelib.services.jobs.mail_found import FILTERS, MailFound, mail_filter
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from chalicelib.services.tenancy.directory import Directory

AT_ONCE = 16
AUDIT_PAGE = 100
LAST_ENTRY = 10**10 - 1
REPORT_FIELDS: tuple[str, ...] = (
    *("id", "kind", "email", "report_email", "at", "recipient", "cause", "action", "status"),
    *("diagnostic", "remote_mta", "feedback_type", "source_ip", "matched_by", "suppressed"),
)
AUDIT_FIELDS: tuple[str, ...] = (
    *("id", "at", "actor", "address", "action", "tenant", "object", "before", "after"),
    *("request_id", "previous", "hash"),
)


class Exported(Protocol):
    """A list. `scope` is what reading it needs, `filters` are those of the list, `columns` those of CSV. Organizations
    have one too if it `is_of_organizations`."""

    scope: str
    filters: frozenset[str]
    columns: tuple[str, ...]
    is_of_organizations: bool
    has_numbers: bool
    gone: str

    async def find(
        self, owner: ServerId, parameters: Parameters, position: str | None, at: float
    ) -> Found:
        """Some ids behind a position, and the position of what follows, None behind the last. The job is of `at`."""

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """The rows of ids, in their order; None for what is gone meanwhile."""


class ExportedEmails:
    """Messages of a server."""

    scope = "emails:read"
    filters = FILTERS
    columns = EMAIL_FIELDS
    is_of_organizations = False
    has_numbers = True
    gone = "This message is no longer kept"

    def __init__(self, found: MailFound, messages: MessageStore, directory: Directory) -> None:
        self._found = found
        self._messages = messages
        self._directory = directory

    async def find(
        self, owner: ServerId, parameters: Parameters, position: str | None, at: float
    ) -> Found:
        """A page of the list."""
        wanted = mail_filter(parameters.get("filter") or {}, at)
        page, following = await self._found.some(owner, wanted, position)
        return [str(one.message.id) for one in page], following

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """As they stand now."""
        records = await self._messages.get_many([(owner, MessageId(int(one))) for one in ids])
        found = {str(one.message.id): row(await self._told(one), self.columns) for one in records}
        return [found.get(one) for one in ids]

    async def _told(self, record: MessageRecord) -> dict[str, Any]:
        way, server = record.way, record.message.server_id
        route = await self._directory.route(server, way.route_id) if way.route_id else None
        endpoint = (
            await self._directory.endpoint(server, way.endpoint_id) if way.endpoint_id else None
        )
        return whole_email(record, route, endpoint)


class ExportedReports:
    """What came back about messages of a server."""

    scope = "emails:read"
    filters = frozenset({"kind", "cause", "email", "since", "until"})
    columns = REPORT_FIELDS
    is_of_organizations = False
    has_numbers = True
    gone = "This report is no longer kept"

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    async def find(
        self, owner: ServerId, parameters: Parameters, position: str | None, at: float
    ) -> Found:
        """A page of the list."""
        given = parameters.get("filter") or {}
        kind, email = given.get("kind"), given.get("email")
        wanted = ReportFilter(
            kind=None if kind is None else ReportKind(kind),
            cause=given.get("cause"),
            email=None if email is None else MessageId(email),
            since=moment(given.get("since")),
            until=moment(given.get("until")),
        )
        page = await self._reports.page(owner, wanted, PART, position)
        return [str(one.id) for one in page.values], page.next_cursor

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """Read one by one, some at a time."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one(number: str) -> Row | None:
            async with room:
                try:
                    report = await self._reports.get(owner, int(number))
                except NotFound:
                    return None
            return row(report_object(report), self.columns)

        return list(await asyncio.gather(*map(one, ids)))


class ExportedAudit:
    """Entries of the audit log, as whoever asked for them may read it."""

    scope = "audit:read"
    filters = frozenset({"actor", "action", "object", "since", "until"})
    columns = AUDIT_FIELDS
    is_of_organizations = True
    has_numbers = False
    gone = "This entry is no longer kept"

    def __init__(self, log: AuditLog, repository: Repository, directory: Directory) -> None:
        self._log = log
        self._repository = repository
        self._directory = directory

    async def find(
        self, owner: ServerId, parameters: Parameters, position: str | None, at: float
    ) -> Found:
        """Several pages of the list, which are short."""
        chain, given = await self._chain(owner), parameters.get("filter") or {}
        wanted = EntryFilter(
            actor=given.get("actor"),
            action=given.get("action"),
            object=given.get("object"),
            tenants=parameters.get("only"),
            since=text_of(given.get("since")),
            until=text_of(given.get("until")),
        )
        ids: list[str] = []
        for _ in range(PART // AUDIT_PAGE):
            page = await self._log.page(chain, wanted, AUDIT_PAGE, position)
            ids += [str(one.number) for one in page.values]
            if (position := page.next_cursor) is None:
                break
        return ids, position

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """Entries never change."""
        chain = of_chain(await self._chain(owner))
        places = [Place(chain, f"{LAST_ENTRY - int(one):010d}") for one in ids]
        found = await self._repository.get_many(AUDIT_ENTRIES, places)
        entries = (found.get(place) for place in places)
        return [None if one is None else row(one.told, self.columns) for one in entries]

    async def _chain(self, owner: ServerId) -> OrganizationId:
        if owner < 0:
            return OrganizationId(-owner)
        return (await self._directory.server(owner)).organization_id


class AllExported:
    """Finds them by name: a new one is one more of these."""

    def __init__(
        self,
        suppressions: ExportedSuppressions,
        emails: ExportedEmails,
        reports: ExportedReports,
        audit: ExportedAudit,
    ) -> None:
        self.by_name: Mapping[str, Exported] = {
            "suppressions": suppressions,
            "emails": emails,
            "reports": reports,
            "audit": audit,
        }
