"""Occurrences with their bodies: what their types need is read for all of them together, and bodies are made from it.

What was removed meanwhile is told of no more. One occurrence that no body can be made of is logged and left out, so
that it keeps nothing else back.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.errors import NotFound
from chalicelib.domain.events.event import Event
from chalicelib.domain.events.material import OF_DELIVERIES, OF_HITS, OF_REPORTS, Material
from chalicelib.domain.events.postal import postal_body
from chalicelib.domain.events.v2 import v2_body
from chalicelib.domain.model import Delivery, MessageRecord, Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.report import Report
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.clock import Clock
from chalicelib.ports.engagement import Engagement
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.reports import Reports
from chalicelib.services.gather import gather
from chalicelib.services.tenancy.directory import Directory

LOG = logging.getLogger("posthorn.events")

_Hits = dict[tuple[MessageId, str], EngagementEvent]


@dataclass(slots=True)
class _Read:
    """What was read for some occurrences."""

    records: dict[MessageId, MessageRecord] = field(default_factory=dict)
    reports: dict[int, Report] = field(default_factory=dict)
    hits: _Hits = field(default_factory=dict)
    logs: dict[MessageId, tuple[Delivery, ...]] = field(default_factory=dict)
    routes: dict[str, Route | None] = field(default_factory=dict)


class ComposeEvents:
    """Makes events."""

    def __init__(
        self,
        clock: Clock,
        directory: Directory,
        messages: MessageStore,
        engagement: Engagement,
        reports: Reports,
    ) -> None:
        self._clock = clock
        self._directory = directory
        self._messages = messages
        self._engagement = engagement
        self._reports = reports

    async def compose(self, server_id: ServerId, occurrences: Sequence[Occurrence]) -> list[Event]:
        """The events of a server, in the order of the occurrences. TemporaryFailure."""
        try:
            server = await self._directory.server(server_id)
        except NotFound:  # removed, and all of it with it
            return []
        installation = (await self._directory.installation()).uuid
        read = await self._read(server_id, occurrences)
        found: list[Event] = []
        for one in occurrences:
            try:
                event = self._event(installation, _material(one, server, read))
            except Exception:  # whatever it is, the others are told of
                LOG.exception("an event has no body", extra={"fields": {"event": one.name}})
                continue
            if event is not None:
                found.append(event)
        return found

    def _event(self, installation: UUID, material: Material) -> Event | None:
        if not material.is_whole:
            return None
        told, message = material.occurrence, None
        if material.record is not None:
            message = material.record.message
        id = told.id(installation)
        is_outgoing = message is not None and message.scope is Scope.OUTGOING
        return Event(
            id=id,
            occurrence=told,
            v2=v2_body(id, material),
            postal=postal_body(id, material, self._clock.now()),
            stream=message.stream_name if message is not None and is_outgoing else None,
            tag=None if message is None else message.tag,
        )

    async def _read(self, server: ServerId, occurrences: Sequence[Occurrence]) -> _Read:
        """All that their types need, in two steps: the second follows from the first."""
        read = _Read()
        reports = {
            number
            for one in occurrences
            if one.type in OF_REPORTS and (number := _number(one.what)) is not None
        }
        hits = [(one.email, one.what) for one in occurrences if one.type in OF_HITS and one.email]
        read.reports = await self._reports_of(server, reports)
        emails = {one.email for one in occurrences if one.email is not None}
        emails |= {one.report_email for one in read.reports.values()}
        refs = [(server, email) for email in sorted(emails)]
        records = await self._messages.get_many(refs) if refs else []
        read.records = {one.message.id: one for one in records}
        if hits:
            read.hits = await self._engagement.named(server, hits)
        read.logs = await self._logs(server, occurrences, read.records)
        read.routes = await self._routes(server, occurrences, read.records)
        return read

    async def _reports_of(self, server: ServerId, numbers: Iterable[int]) -> dict[int, Report]:
        async def read(number: int) -> Report | None:
            try:
                return await self._reports.get(server, number)
            except NotFound:
                return None

        found = await gather(read(number) for number in numbers)
        return {one.id: one for one in found if one is not None}

    async def _logs(
        self,
        server: ServerId,
        occurrences: Sequence[Occurrence],
        records: dict[MessageId, MessageRecord],
    ) -> dict[MessageId, tuple[Delivery, ...]]:
        """The logs of messages that have a wanted delivery no longer beside them."""
        wanted = {
            one.email
            for one in occurrences
            if one.type in OF_DELIVERIES
            and one.email is not None
            and one.email in records
            and _delivery(one.what, records[one.email].deliveries) is None
        }
        messages = sorted(wanted)
        logs = await gather(
            self._messages.deliveries(server, one, records[one].message.scope) for one in messages
        )
        return dict(zip(messages, logs, strict=True))

    async def _routes(
        self,
        server: ServerId,
        occurrences: Sequence[Occurrence],
        records: dict[MessageId, MessageRecord],
    ) -> dict[str, Route | None]:
        received = (
            records[one.email]
            for one in occurrences
            if one.type is EventType.EMAIL_RECEIVED
            and one.email is not None
            and one.email in records
        )
        named = sorted({_first_route(one) for one in received} - {""})
        found = await gather(self._directory.route(server, one) for one in named)
        return dict(zip(named, found, strict=True))


def _material(one: Occurrence, server: Server, read: _Read) -> Material:
    """What was read for one of them."""
    record = None if one.email is None else read.records.get(one.email)
    delivery = report = bounce = hit = None
    if one.type in OF_DELIVERIES and record is not None:
        log = read.logs.get(record.message.id, ())
        delivery = _delivery(one.what, record.deliveries) or _delivery(one.what, log)
    if one.type in OF_REPORTS:
        report = read.reports.get(_number(one.what) or 0)
        bounce = None if report is None else read.records.get(report.report_email)
    if one.type in OF_HITS and one.email is not None:
        hit = read.hits.get((one.email, one.what))
    route = None if record is None else read.routes.get(_first_route(record))
    return Material(one, server, record, delivery, report, bounce, hit, route)


def _first_route(record: MessageRecord) -> str:
    """The route that a message came in by, whatever way it was sent on later."""
    arrival = record.message.arrival
    return "" if arrival is None else arrival.route_id


def _delivery(what: str, log: Sequence[Delivery]) -> Delivery | None:
    return next((one for one in log if str(one.id) == what), None)


def _number(what: str) -> int | None:
    return int(what) if what.isascii() and what.isdecimal() and len(what) < 12 else None
