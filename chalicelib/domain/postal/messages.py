"""Messages of Postal as ours: what was accepted, what became of it, who opened it, where its links lead.

A message keeps number, token and deliveries. Its bytes are those that Postal has, so that what Postal signed says so
itself, by its own token in `X-Postal-MsgID`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from chalicelib.domain.engagement import EngagementEvent, EngagementKind
from chalicelib.domain.inspection import Inspection, Spam, SpamCheck, Threat
from chalicelib.domain.model import (
    INCOMING_QUEUE,
    Arrival,
    BlobRef,
    Delivery,
    Message,
    MessageRecord,
    Origin,
    Scope,
    State,
    Status,
)
from chalicelib.domain.numbering import MessageId
from chalicelib.domain.postal.rows import Row, decimal, mark, moment, number, text
from chalicelib.domain.tenancy.servers import Server

LONGEST_TEXT = 250
_STATUSES = {one.value: one for one in Status}


@dataclass(frozen=True, slots=True)
class Known:
    """What a server's messages name, by Postal's numbers: names of domains, ids of credentials, routes, endpoints."""

    server: Server
    domains: Mapping[int, str]
    credentials: Mapping[int, str]
    routes: Mapping[int, str]
    endpoints: Mapping[tuple[str, int], str]


@dataclass(frozen=True, slots=True)
class PostalMessage:
    """A message with the rows that hang on it, those of each table in the order of their numbers. `queued` is its
    entry in the queue, None where it does not wait."""

    row: Row
    deliveries: Sequence[Row] = ()
    links: Sequence[Row] = ()
    loads: Sequence[Row] = ()
    clicks: Sequence[Row] = ()
    spam_checks: Sequence[Row] = ()
    queued: Row | None = None

    @property
    def id(self) -> MessageId:
        """Its number."""
        return MessageId(number(self.row, "id") or 0)


def message_of(given: PostalMessage, known: Known, blob: BlobRef) -> Message:
    """What was accepted; `blob` is where its bytes lie here."""
    row, server = given.row, known.server
    scope = Scope.INCOMING if text(row, "scope") == Scope.INCOMING.value else Scope.OUTGOING
    is_out = scope is Scope.OUTGOING
    pool = server.pool if is_out else INCOMING_QUEUE
    domain = known.domains.get(number(row, "domain_id") or 0, "")
    credential = known.credentials.get(number(row, "credential_id") or 0, "")
    return Message(
        server_id=server.id,
        id=given.id,
        token=text(row, "token") or "",
        scope=scope,
        mail_from=text(row, "mail_from") or "",
        rcpt_to=text(row, "rcpt_to") or "",
        subject=text(row, "subject") or "",
        message_id=text(row, "message_id") or "",
        received_at=decimal(row, "timestamp") or 0.0,
        size=int(decimal(row, "size") or 0),
        blob=blob,
        origin=Origin(pool, domain, credential if is_out else ""),
        tag=text(row, "tag"),
        bounce=mark(row, "bounce"),
        received_with_ssl=mark(row, "received_with_ssl"),
        arrival=None if is_out else _arrival(row, known),
    )


def record_of(given: PostalMessage, message: Message, now: int) -> MessageRecord:
    """Where it stands: it waits where it is in the queue, is held as it was, and is over otherwise."""
    row = given.row
    log = tuple(delivery_of(one) for one in given.deliveries)
    failed = [one.at for one in log if one.status in (Status.HARD_FAIL, Status.BOUNCED)]
    sent = [one.at for one in log if one.status is Status.SENT]
    bounce_of = number(row, "bounce_for_id") or 0
    record = MessageRecord(
        message,
        status=_STATUSES.get(text(row, "status") or "", Status.PENDING),
        state=State.DONE,
        attempt=len(log),
        last_attempt_at=decimal(row, "last_delivery_attempt"),
        links=len(given.links) or None,
        opened_at=decimal(row, "loaded"),
        clicked_at=decimal(row, "clicked"),
        inspection=_inspection(given),
        bounce_of=MessageId(bounce_of) if bounce_of else None,
        sent_at=min(sent, default=None),
        failed_at=min(failed, default=None),
        deliveries=log,
    )
    if given.queued is not None:
        return _waiting(record, given.queued, now)
    if mark(row, "held"):
        expiry = decimal(row, "hold_expiry")
        until = None if expiry is None else int(expiry)
        return replace(record, state=State.HELD, held=True, hold_expires_at=until)
    return record


def delivery_of(row: Row) -> Delivery:
    """An entry of a message's log."""
    return Delivery(
        id=number(row, "id") or 0,
        status=_STATUSES.get(text(row, "status") or "", Status.ERROR),
        details=(text(row, "details") or "")[:LONGEST_TEXT],
        at=decimal(row, "timestamp") or 0.0,
        output=_cut(text(row, "output")),
        sent_with_ssl=mark(row, "sent_with_ssl"),
        log_id=text(row, "log_id"),
        seconds=decimal(row, "time"),
    )


def links_of(given: PostalMessage) -> tuple[str, ...]:
    """Where its links lead, by their order."""
    return tuple(text(row, "url") or "" for row in given.links)


def hits_of(given: PostalMessage) -> list[EngagementEvent]:
    """Its opens and clicks, oldest first."""
    opens = [_hit(EngagementKind.OPEN, row, "") for row in given.loads]
    urls = {number(row, "id") or 0: text(row, "url") or "" for row in given.links}
    clicks = [
        _hit(EngagementKind.CLICK, row, urls.get(number(row, "link_id") or 0, ""))
        for row in given.clicks
    ]
    return sorted([*opens, *clicks], key=lambda one: one.at)


def _hit(kind: EngagementKind, row: Row, url: str) -> EngagementEvent:
    at, address = decimal(row, "timestamp") or 0.0, text(row, "ip_address") or ""
    return EngagementEvent(kind, at, address, text(row, "user_agent") or "", url)


def _waiting(record: MessageRecord, queued: Row, now: int) -> MessageRecord:
    """As many attempts behind it as Postal made, and due when Postal would have tried again."""
    return replace(
        record,
        state=State.WAITING,
        tries=number(queued, "attempts") or 0,
        wake_at=max(moment(queued, "retry_after") or now, 1),
        by_sweeper=True,
        released=mark(queued, "manual"),
    )


def _arrival(row: Row, known: Known) -> Arrival:
    endpoint = text(row, "endpoint_type") or "", number(row, "endpoint_id") or 0
    route = known.routes.get(number(row, "route_id") or 0, "")
    return Arrival(route_id=route, endpoint_id=known.endpoints.get(endpoint, ""))


def _inspection(given: PostalMessage) -> Inspection | None:
    """What Postal's scanners found; None where none has looked."""
    row = given.row
    if not mark(row, "inspected"):
        return None
    checks = tuple(
        SpamCheck(
            text(one, "code") or "", decimal(one, "score") or 0.0, text(one, "description") or ""
        )
        for one in given.spam_checks
    )
    score = decimal(row, "spam_score") or 0.0
    threshold = score - 0.1 if mark(row, "spam") else max(score, 5.0)
    found = mark(row, "threat")
    details = text(row, "threat_details") or "No threats found"
    return Inspection(Spam(score, threshold, None, checks), Threat(found, details))


def _cut(said: str | None) -> str | None:
    return None if said is None else said[:LONGEST_TEXT]
