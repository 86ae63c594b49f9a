"""What a message can be found by, read from its record: the one shape that is judged, indexed and stored for searching.

Texts are as they were given; folding is for whoever compares. Whatever is not known is empty or None.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import MessageRecord, Scope, State
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.words import fold
from chalicelib.domain.waits import wait_of

_MARKS = 2
_NEWEST = 3
"""Deliveries that every store has at hand with a record."""


@dataclass(frozen=True, slots=True)
class Findable:
    """A message as a search sees it. `statuses` are all words of `status` that it answers to (a scheduled one is
    `pending` and `scheduled`), `tries` and `wait` are None where it is done, `version` rises with whatever changes
    about it."""

    server: ServerId
    message: MessageId
    scope: Scope
    version: int
    received_at: float
    token: str
    mail_from: str
    rcpt_to: str
    subject: str
    message_id: str
    size: int
    statuses: tuple[str, ...]
    pool: str = ""
    credential: str = ""
    domain: str = ""
    route: str = ""
    endpoint: str = ""
    tag: str = ""
    stream: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    cause: str = ""
    wait: str | None = None
    provider: str = ""
    tries: int | None = None
    is_spam: bool = False
    is_bounce: bool = False
    is_opened: bool = False
    is_clicked: bool = False


def findable_of(record: MessageRecord) -> Findable:
    """What a message can be found by as it stands."""
    message = record.message
    wait = wait_of(record)
    is_outgoing = message.scope is Scope.OUTGOING
    inspection = record.inspection
    return Findable(
        server=message.server_id,
        message=message.id,
        scope=message.scope,
        version=version_of(record),
        received_at=message.received_at,
        token=message.token,
        mail_from=message.mail_from,
        rcpt_to=message.rcpt_to,
        subject=message.subject,
        message_id=message.message_id,
        size=message.size,
        statuses=_statuses(record),
        pool=message.origin.pool if is_outgoing else "",
        credential=message.origin.credential_id,
        domain=domain_in(message.rcpt_to),
        route=record.way.route_id,
        endpoint=record.way.endpoint_id,
        tag=message.tag or "",
        stream=message.stream_name if is_outgoing else "",
        metadata=metadata_of(record),
        cause=_cause(record),
        wait=None if wait is None else wait.code.value,
        provider=record.provider or "",
        tries=None if wait is None else record.tries,
        is_spam=inspection is not None and inspection.spam.status is SpamStatus.SPAM,
        is_bounce=message.bounce,
        is_opened=record.opened_at is not None,
        is_clicked=record.clicked_at is not None,
    )


def metadata_of(record: MessageRecord) -> dict[str, str]:
    """The metadata that its client gave."""
    found: dict[str, str] = json.loads(record.message.metadata) if record.message.metadata else {}
    return found


def domain_in(address: str) -> str:
    """What stands behind the last `@` of an address, folded."""
    return fold(address).rpartition("@")[2] if "@" in fold(address) else ""


def version_of(record: MessageRecord) -> int:
    """A number that rises with whatever changes about what a message can be found by, but with a worker that has it in
    hand: the attempt does with all but two marks, which are set once each."""
    marks = (record.opened_at is not None) + (record.clicked_at is not None)
    return record.attempt * (_MARKS + 1) + marks


def _statuses(record: MessageRecord) -> tuple[str, ...]:
    """One that a worker has in hand is queued: it may be waiting again in a moment, and no index is told of claims."""
    status = record.status.value.lower()
    if record.state not in (State.WAITING, State.LEASED):
        return (status,)
    return (status, "scheduled" if record.is_scheduled else "queued")


def _cause(record: MessageRecord) -> str:
    known = (one.cause for one in reversed(record.deliveries[-_NEWEST:]) if one.cause)
    return next(known, "")
