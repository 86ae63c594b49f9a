"""What can be exported: a class for each list, which finds what it has and gives it out as objects of the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from chalicelib.domain.csv_rows import rendered
from chalicelib.domain.errors import NotFound
from chalicelib.domain.events.objects import report_object
from chalicelib.domain.events.whole_email import EMAIL_FIELDS, whole_email
from chalicelib.domain.mail.suppression_rows import COLUMNS, row_of
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.numbering import MessageId, OrganizationId, ServerId
from chalicelib.domain.report import ReportFilter, ReportKind
from chalicelib.domain.suppression import Name, Reason, SuppressionFilter, SuppressionScope, list_of
from chalicelib.domain.suppression_told import told_of
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, of_chain
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.ports.repository import Repository
from chalicelib.ports.suppressions import SuppressionList
from chalicelib.services.jobs.kinds import Parameters
from chalicelib.services.jobs.mail_found import MailFound, MailWanted
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from chalicelib.services.tenancy.directory import Directory

PART = 1_000
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
Found = tuple[Sequence[str], str | None]
Row = tuple[str, str]
"""A row as CSV has it, and as a line of JSON."""


class Exported(Protocol):
    """A list. `scope` is what reading it needs, `filters` are those of the list, `columns` those of CSV. Organizations
    have one too if it `is_of_organizations`."""

    scope: str
    filters: frozenset[str]
    columns: tuple[str, ...]
    is_of_organizations: bool
    has_numbers: bool
    gone: str

    async def find(self, owner: ServerId, parameters: Parameters, position: str | None) -> Found:
        """Some ids behind a position, and the position of what follows, None behind the last."""

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """The rows of ids, in their order; None for what is gone meanwhile."""


class ExportedEmails:
    """Messages of a server."""

    scope = "emails:read"
    filters = frozenset({"q", "direction", "status", "to"})
    columns = EMAIL_FIELDS
    is_of_organizations = False
    has_numbers = True
    gone = "This message is no longer kept"

    def __init__(self, found: MailFound, messages: MessageStore, directory: Directory) -> None:
        self._found = found
        self._messages = messages
        self._directory = directory

    async def find(self, owner: ServerId, parameters: Parameters, position: str | None) -> Found:
        """A page of the list."""
        wanted = MailWanted.of(parameters.get("filter") or {})
        page, following = await self._found.page(owner, wanted, PART, position)
        return [str(one.message.id) for one in page], following

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """As they stand now."""
        records = await self._messages.get_many([(owner, MessageId(int(one))) for one in ids])
        found = {str(one.message.id): _row(await self._told(one), self.columns) for one in records}
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

    async def find(self, owner: ServerId, parameters: Parameters, position: str | None) -> Found:
        """A page of the list."""
        given = parameters.get("filter") or {}
        kind, email = given.get("kind"), given.get("email")
        wanted = ReportFilter(
            kind=None if kind is None else ReportKind(kind),
            cause=given.get("cause"),
            email=None if email is None else MessageId(email),
            since=_moment(given.get("since")),
            until=_moment(given.get("until")),
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
            return _row(report_object(report), self.columns)

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

    async def find(self, owner: ServerId, parameters: Parameters, position: str | None) -> Found:
        """Several pages of the list, which are short."""
        chain, given = await self._chain(owner), parameters.get("filter") or {}
        wanted = EntryFilter(
            actor=given.get("actor"),
            action=given.get("action"),
            object=given.get("object"),
            tenants=parameters.get("only"),
            since=_text(given.get("since")),
            until=_text(given.get("until")),
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
        return [None if one is None else _row(one.told, self.columns) for one in entries]

    async def _chain(self, owner: ServerId) -> OrganizationId:
        if owner < 0:
            return OrganizationId(-owner)
        return (await self._directory.server(owner)).organization_id


class ExportedSuppressions:
    """Entries of the lists that act on mail of a server, or of an organization."""

    scope = "suppressions:read"
    filters = frozenset({"address", "reason", "scope", "stream", "since", "until"})
    columns: tuple[str, ...] = COLUMNS
    is_of_organizations = True
    has_numbers = False
    gone = "This entry was removed meanwhile"

    def __init__(self, clock: Clock, lists: SuppressionList, directory: Directory) -> None:
        self._clock = clock
        self._lists = lists
        self._directory = directory

    async def find(self, owner: ServerId, parameters: Parameters, position: str | None) -> Found:
        """Which list has which entry."""
        lists = [owner]
        if owner > 0:
            lists.append(list_of((await self._directory.server(owner)).organization_id))
        wanted = _suppressions(parameters.get("filter") or {})
        page = await self._lists.page(lists, wanted, PART, self._clock.now(), position)
        ids = [
            json.dumps([_list_of(one.scope, lists), one.address, one.stream]) for one in page.values
        ]
        return ids, page.next_cursor

    async def rows(self, owner: ServerId, ids: Sequence[str]) -> list[Row | None]:
        """As they stand now."""
        named = [(address, ServerId(of), stream) for of, address, stream in map(json.loads, ids)]
        wanted: dict[ServerId, list[Name]] = {}
        for address, of, stream in named:
            wanted.setdefault(of, []).append(Name(address, stream))
        now = self._clock.now()
        found = {of: await self._lists.get(of, names, now) for of, names in wanted.items()}
        entries = (found[of].get(Name(address, stream)) for address, of, stream in named)
        return [
            None if one is None else (rendered(row_of(one)), _line(told_of(one))) for one in entries
        ]


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


def _row(told: Mapping[str, Any], columns: Sequence[str]) -> Row:
    return rendered([_cell(told[name]) for name in columns]), _line(told)


def _line(told: Mapping[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False) + "\n"


def _cell(value: Any) -> str:
    """Objects and lists as JSON, nothing as an empty cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _moment(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()


def _text(text: str | None) -> str | None:
    moment = _moment(text)
    return None if moment is None else time_text(moment)


def _list_of(scope: SuppressionScope, lists: Sequence[ServerId]) -> ServerId:
    """Which of the lists an entry of this scope is on."""
    return lists[-1] if scope is SuppressionScope.ORGANIZATION else lists[0]


def _suppressions(wanted: Mapping[str, Any]) -> SuppressionFilter:
    reason, scope = wanted.get("reason"), wanted.get("scope")
    return SuppressionFilter(
        address=wanted.get("address"),
        reason=None if reason is None else Reason(reason),
        scope=None if scope is None else SuppressionScope(scope),
        stream=wanted.get("stream"),
        since=_moment(wanted.get("since")),
        until=_moment(wanted.get("until")),
    )
