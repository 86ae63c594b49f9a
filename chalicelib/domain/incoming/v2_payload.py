"""What an HTTP endpoint gets in the format `v2` (api.md 2.18): the message taken apart, in an envelope of events.

Reading is bounded as `domain.mail.content` says, text and HTML by 1 MiB each; attachments stand in the payload up to
1 MiB together, the others behind addresses that the caller makes. What is not there is null or an empty list.
"""

from __future__ import annotations

import base64
import re
import uuid
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from chalicelib.domain.errors import Rejected
from chalicelib.domain.events.objects import email_object, moment
from chalicelib.domain.file_link import FileLink
from chalicelib.domain.inspection import Inspection
from chalicelib.domain.mail.address import LONGEST_FIELD, addresses_in, split_list, split_mailbox
from chalicelib.domain.mail.content import Attachment, Content, read_content
from chalicelib.domain.mail.encoded_words import decode_header
from chalicelib.domain.mail.headers import Headers
from chalicelib.domain.mail.mime import decode_part
from chalicelib.domain.mail.replies import split_reply
from chalicelib.domain.model import Arrival, Message, MessageRecord
from chalicelib.domain.tenancy.routes import Route
from chalicelib.domain.tenancy.servers import Server

MOST_INLINE = 1024 * 1024
MOST_TEXT = 1024 * 1024
MOST_ADDRESSES = 1_000
MOST_LINKED = 100  # attachments behind an address of their own
_LONGEST_MAILBOX = 2_000  # with its name
MOST_REFERENCES = 1_000
_LONGEST_DATE = 200
_LONGEST_IDS = 65_536
# The name of a group in front of its first mailbox (RFC 5322 §3.4).
_GROUP = re.compile(r'\A[^"<>@(,:]*+:')
_IDS = uuid.UUID("8f0f6f0c-6a0b-5f0e-9a52-5d0b7c1e4f10")

Payload = dict[str, Any]


def event_id(message: Message, endpoint: str) -> str:
    """The id of a message at an endpoint: the same on each attempt, of no two."""
    return str(uuid.uuid5(_IDS, f"{message.token}/{endpoint}"))


def by_link(content: Content, most: int = MOST_INLINE) -> tuple[Attachment, ...]:
    """The attachments that stand behind an address: from the first that would pass `most` bytes on, the next
    MOST_LINKED. Those behind them are in the raw message alone."""
    total = 0
    for attachment in content.attachments:
        total += attachment.size
        if total > most:
            return content.attachments[attachment.index : attachment.index + MOST_LINKED]
    return ()


def read_incoming(content: bytes) -> Content:
    """A message as far as a payload shows it."""
    return read_content(content, MOST_TEXT)


def incoming_event(
    record: MessageRecord,
    server: Server,
    route: Route | None,
    id: str,
    data: Payload,
) -> Payload:
    """The envelope of a payload; it happened when the message came."""
    email = email_object(record)
    shown = None if route is None else {"id": route.id, "name": route.name}
    return {
        "id": id,
        "type": "email.incoming",
        "timestamp": moment(record.message.received_at),
        "server": server.full_name,
        "data": {"email": email, "route": shown, "envelope": envelope_object(record), **data},
    }


def message_objects(content: Content, record: MessageRecord) -> Payload:
    """What is read of the message itself, up to its attachments."""
    headers = content.headers
    reply, quoted = (None, None) if content.text is None else split_reply(content.text)
    message_ids = _ids(headers, "message-id")
    answered = _ids(headers, "in-reply-to")
    return {
        "from": _mailboxes(headers, "from"),
        "to": _mailboxes(headers, "to"),
        "cc": _mailboxes(headers, "cc"),
        "reply_to": _mailboxes(headers, "reply-to"),
        "subject": headers.last_text("subject"),
        "message_id": message_ids[0] if message_ids else None,
        "date": _date(headers),
        "in_reply_to": answered[0] if answered else None,
        "references": _ids(headers, "references"),
        "auto_submitted": headers.last_text("auto-submitted"),
        "bounce": record.message.bounce,
        "text": content.text,
        "html": content.html,
        "reply_text": None if reply is None else f"{reply}\n",
        "quoted_text": None if quoted is None else f"{quoted}\n",
        "headers": [{"name": one.name, "value": one.value} for one in content.fields],
    }


def attachment_objects(
    raw: bytes, attachments: Sequence[Attachment], links: dict[int, FileLink], *, with_content: bool
) -> list[Payload]:
    """The attachments: those with a link by it, those in front of them with their content, those behind them with
    neither; without `with_content` none has either."""
    first = min(links, default=len(attachments))
    found = []
    for one in attachments:
        link = links.get(one.index)
        inline = with_content and one.index < first
        data = base64.b64encode(decode_part(raw, one.part)).decode("ascii") if inline else None
        found.append(
            {
                "filename": one.filename,
                "content_type": one.content_type,
                "content_id": one.content_id,
                "inline": one.inline,
                "size": one.size,
                "sha256": one.sha256,
                "content": data,
                **link_object(link),
            }
        )
    return found


def link_object(link: FileLink | None) -> Payload:
    """`url` and `url_expires_at`."""
    return {
        "url": None if link is None else link.url,
        "url_expires_at": None if link is None else moment(link.until),
    }


def inspection_objects(inspection: Inspection | None) -> Payload:
    """`spam`, `threat` and `authentication` as api.md 2.10 has them; null where the message was not looked at."""
    if inspection is None:
        return {"spam": None, "threat": None, "authentication": None}
    spam, authentication = inspection.spam, inspection.authentication
    return {
        "spam": {
            "status": spam.status.value,
            "score": spam.score,
            "threshold": spam.threshold,
            "scanner": spam.scanner,
            "checks": [asdict(check) for check in spam.checks],
        },
        "threat": {"found": inspection.threat.found, "details": inspection.threat.details},
        "authentication": {
            "spf": asdict(authentication.spf),
            "dkim": [asdict(signature) for signature in authentication.dkim],
            "dmarc": {
                **asdict(authentication.dmarc),
                "aligned": list(authentication.dmarc.aligned),
            },
            "arc": {"result": authentication.arc},
        },
    }


def envelope_object(record: MessageRecord) -> Payload:
    """How the message came."""
    message, arrival = record.message, record.message.arrival or Arrival()
    local, _, _ = message.rcpt_to.rpartition("@")
    _, plus, tag = local.partition("+")
    return {
        "from": message.mail_from or None,
        "to": message.rcpt_to,
        "tag": tag if plus else None,
        "helo": arrival.helo or None,
        "client": arrival.client or None,
        "client_name": arrival.client_name or None,
        "tls": message.received_with_ssl,
    }


def _mailboxes(headers: Headers, name: str) -> list[Payload]:
    """The mailboxes of all fields of a name. What is no mailbox is shown by the addresses in it."""
    found: list[Payload] = []
    entries, left = MOST_ADDRESSES, LONGEST_FIELD
    for value in headers.plain_texts(name):
        for entry in split_list(value[:left])[:entries]:
            found += _mailbox(entry)
            entries -= 1
        left -= len(value)
        if left <= 0 or entries <= 0:
            break
    return found[:MOST_ADDRESSES]


def _mailbox(entry: str) -> list[Payload]:
    if len(entry) > _LONGEST_MAILBOX:
        return []
    entry = _GROUP.sub("", entry)
    pair = split_mailbox(entry, any_name=True)
    if pair is not None and "@" in pair[1] and not set(pair[1]) & set("<>:; "):
        return [{"name": decode_header(pair[0].encode()), "address": pair[1]}]
    try:
        return [{"name": "", "address": address} for address in addresses_in(entry)]
    except Rejected:
        return []


def _ids(headers: Headers, name: str) -> list[str]:
    """Message ids without their brackets."""
    values = headers.plain_texts(name)
    if not values:
        return []
    words = values[-1][:_LONGEST_IDS].replace("<", " ").replace(">", " ").split()
    return words[:MOST_REFERENCES]


def _date(headers: Headers) -> str | None:
    values = headers.plain_texts("date")
    if not values or len(values[-1]) > _LONGEST_DATE:
        return None
    try:
        found = parsedate_to_datetime(values[-1])
        return moment((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, TypeError, OverflowError, IndexError, OSError):
        return None
