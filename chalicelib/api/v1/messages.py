"""The actions `messages/message` and `messages/deliveries` (contract sections 2.4 and 2.5).

Bodies are the first of their kind, and attachments in base64 with line breaks, as Postal has them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.api.http import Call
from chalicelib.api.json_body import LARGEST_STRING
from chalicelib.api.v1.envelope import Failure, Parameters, too_large
from chalicelib.api.v1.parameters import message_number
from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.errors import NotFound
from chalicelib.domain.inspection import Inspection, Spam, SpamStatus, Threat
from chalicelib.domain.mail.headers import read_headers
from chalicelib.domain.mail.mime import Part, decode_part, find_bodies, mime_base64, part_text
from chalicelib.domain.model import Delivery, MessageRecord
from chalicelib.services.messages.history import MessageHistory

OCTETS_OF_A_CHARACTER = 3  # in quoted-printable, the largest encoding
_OF_CONTENT = frozenset({"plain_body", "html_body", "attachments", "headers", "raw_message"})
_ALL = frozenset({"status", "details", "inspection", "activity_entries"}) | _OF_CONTENT
# `headers` shows the fields of RFC 5322 §3.6 in the order of that section, MIME's behind them, then all others as they
# stand in the message.
_SHOWN_FIRST = (
    "return-path received resent-date resent-from resent-sender resent-to resent-cc resent-bcc resent-message-id "
    "date from sender reply-to to cc bcc message-id in-reply-to references subject comments keywords "
    "mime-version content-type content-transfer-encoding content-location content-disposition content-description"
).split()


async def message(call: Call, parameters: Parameters) -> dict[str, Any]:
    """One message with the expansions asked for."""
    record = await _record(call, parameters)
    asked = parameters.get("_expansions")
    wanted = (
        _ALL
        if asked is True
        else {name for name in asked if isinstance(name, str) and name in _ALL}
        if isinstance(asked, list)
        else set()
    )
    content = await call.program[MessageHistory].content(record) if wanted & _OF_CONTENT else b"?"
    shown: dict[str, Any] = {"id": record.message.id, "token": record.message.token}
    known = {
        "status": _status(record),
        "details": _details(record, purged=content is None),
        "inspection": _inspection(record.inspection),
    }
    shown |= {name: known[name] for name in known if name in wanted}
    if wanted & _OF_CONTENT:
        shown |= _content(content, wanted)
    if "activity_entries" in wanted:
        activity = await call.program[MessageHistory].activity(record)
        shown["activity_entries"] = {
            "loads": [_hit(hit) for hit in activity.opens],
            "clicks": [{"url": hit.url, **_hit(hit)} for hit in activity.clicks],
        }
    return shown


async def deliveries(call: Call, parameters: Parameters) -> list[dict[str, Any]]:
    """The log of one message, oldest first."""
    record = await _record(call, parameters)
    return [_delivery(entry) for entry in await call.program[MessageHistory].deliveries(record)]


async def _record(call: Call, parameters: Parameters) -> MessageRecord:
    number, shown = message_number(parameters)
    try:
        if number is not None:
            return await call.program[MessageHistory].record(call.principal.server.id, number)
    except NotFound:
        number = None
    raise Failure("MessageNotFound", "No message found matching provided ID", id=shown)


def _status(record: MessageRecord) -> dict[str, Any]:
    """Every entry of the log counts as an attempt here, a hold too, as in Postal."""
    return {
        "status": record.status.value,
        "last_delivery_attempt": record.deliveries[-1].at if record.deliveries else None,
        "held": record.held,
        "hold_expiry": None if record.hold_expires_at is None else float(record.hold_expires_at),
    }


def _details(record: MessageRecord, purged: bool) -> dict[str, Any]:
    """Empty texts are null, as Postal stores them (contract 1)."""
    message = record.message
    return {
        "rcpt_to": message.rcpt_to,
        "mail_from": message.mail_from or None,
        "subject": message.subject or None,
        "message_id": message.message_id or None,
        "timestamp": float(message.received_at),
        "direction": message.scope.value,
        "size": None if purged else str(message.size),
        "bounce": message.bounce,
        "bounce_for_id": record.bounce_of or 0,
        "tag": message.tag,
        "received_with_ssl": message.received_with_ssl,
    }


def _inspection(found: Inspection | None) -> dict[str, Any]:
    """What was found of it; of one that was not looked at, what Postal says then."""
    spam, threat = (found.spam, found.threat) if found else (Spam(), Threat())
    return {
        "inspected": found is not None,
        "spam": spam.status is SpamStatus.SPAM,
        "spam_score": float(spam.score),
        "threat": threat.found,
        "threat_details": threat.details if threat.asked or threat.found else None,
    }


def _content(content: bytes | None, wanted: Collection[str]) -> dict[str, Any]:
    """What is wanted of the bytes; of purged ones, what Postal says then. Raises Failure, before it is made, for what
    cannot fit into an answer."""
    plain, html, parts = find_bodies(content) if content is not None else (None, None, ())
    kept = content or b""
    makers: dict[str, Callable[[], Any]] = {
        "plain_body": lambda: _text(kept, plain),
        "html_body": lambda: _text(kept, html),
        "attachments": lambda: _attachments(kept, parts),
        "headers": lambda: _headers(content) if content is not None else {},
        "raw_message": lambda: _encoded(b"\r\n\r\n" if content is None else content),
    }
    return {name: make() for name, make in makers.items() if name in wanted}


def _text(content: bytes, part: Part | None) -> str | None:
    if part is None:
        return None
    if part.end - part.start > LARGEST_STRING * OCTETS_OF_A_CHARACTER:
        raise too_large()
    text = part_text(content, part)
    if len(text) > LARGEST_STRING:
        raise too_large()
    return text


def _attachments(content: bytes, parts: Sequence[Part]) -> list[dict[str, Any]]:
    if sum(part.end - part.start for part in parts) // OCTETS_OF_A_CHARACTER > LARGEST_STRING:
        raise too_large()
    return [_attachment(content, part) for part in parts]


def _encoded(data: bytes) -> str:
    if len(data) > LARGEST_STRING * 3 // 4:
        raise too_large()
    return mime_base64(data)


def _headers(content: bytes) -> dict[str, list[str]]:
    texts = read_headers(content).texts()
    return {name: texts[name] for name in (*_SHOWN_FIRST, *texts) if name in texts}


def _attachment(content: bytes, part: Part) -> dict[str, Any]:
    data = decode_part(content, part)
    return {
        "filename": part.filename,
        "content_type": part.content_type,
        "data": mime_base64(data),
        "size": len(data),
        "hash": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
    }


def _hit(hit: EngagementEvent) -> dict[str, Any]:
    """Times here are ISO-8601 texts, unlike all others (contract 2.4); what a reader did not say is null."""
    at = datetime.fromtimestamp(hit.at, UTC).isoformat(timespec="milliseconds")
    return {
        "ip_address": hit.address or None,
        "user_agent": hit.user_agent or None,
        "timestamp": at.replace("+00:00", "Z"),
    }


def _delivery(entry: Delivery) -> dict[str, Any]:
    return {
        "id": entry.id,
        "status": entry.status.value,
        "details": entry.details,
        "output": entry.output,
        "sent_with_ssl": entry.sent_with_ssl,
        "log_id": entry.log_id,
        "time": None if entry.seconds is None else round(entry.seconds, 2),
        "timestamp": float(entry.at),
    }
