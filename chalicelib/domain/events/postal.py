"""Bodies of events in the format `postal`, to the letter of contract section 6.2: keys in their order, null or "" as
recorded there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from chalicelib.domain.digits import BASE62, encode
from chalicelib.domain.events.json_body import fitted
from chalicelib.domain.events.material import Material
from chalicelib.domain.events.objects import LONGEST_TOLD, cut, spam_status_of
from chalicelib.domain.inspection import SpamStatus
from chalicelib.domain.model import MessageRecord
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.tenancy.servers import Server

_TOKEN_LETTERS = 16

Payload = dict[str, Any]


def postal_body(id: str, material: Material, now: float) -> bytes | None:
    """The body of a whole material, queued now; None where the format has no such event."""
    found = _EVENTS.get(material.occurrence.type)
    if found is None:
        return None
    name, payload_of = found
    payload = payload_of(material)
    if payload is None:
        return None
    return fitted({"event": name, "timestamp": float(now), "payload": payload, "uuid": id})


def _status(material: Material) -> Payload | None:
    record, delivery = material.record, material.delivery
    if record is None or delivery is None:
        return None
    was_sent = delivery.output is not None or delivery.seconds is not None
    return {
        "message": _message(record),
        "status": delivery.status.value,
        "details": delivery.details,
        "output": delivery.output or "",
        "sent_with_ssl": delivery.sent_with_ssl if was_sent else None,
        "timestamp": float(delivery.at),
        "time": None if delivery.seconds is None else round(float(delivery.seconds), 2),
    }


def _bounced(material: Material) -> Payload | None:
    if material.record is None or material.bounce is None:
        return None
    # It was matched before it was inspected.
    bounce = _message(material.bounce) | {"spam_status": SpamStatus.NOT_CHECKED.value}
    return {"original_message": _message(material.record), "bounce": bounce}


def _loaded(material: Material) -> Payload | None:
    record, hit = material.record, material.hit
    if record is None or hit is None:
        return None
    return {
        "message": _message(record),
        "ip_address": hit.address or None,
        "user_agent": cut(hit.user_agent, LONGEST_TOLD) or None,
    }


def _clicked(material: Material) -> Payload | None:
    record, hit, loaded = material.record, material.hit, _loaded(material)
    if record is None or hit is None or loaded is None:
        return None
    message = loaded.pop("message")
    token = link_token(record.message.token, hit.url)
    return {"message": message, "url": cut(hit.url, LONGEST_TOLD), "token": token, **loaded}


def link_token(message_token: str, url: str) -> str:
    """Names a link of a message, as Postal's token does."""
    digest = hashlib.sha256(f"{message_token} {url}".encode("utf-8", "replace")).digest()
    return encode(int.from_bytes(digest[:11], "big"), BASE62, _TOKEN_LETTERS)


def _domain(material: Material) -> Payload | None:
    told = material.detail.get("postal")
    return {"server": _server(material.server), **told} if isinstance(told, dict) else None


def _limit(material: Material) -> Payload | None:
    """Postal has one limit: the server's, of an hour."""
    limit = material.detail
    if (limit.get("owner"), limit.get("period")) != ("server", "hour"):
        return None
    server = _server(material.server)
    return {"server": server, "volume": limit.get("used"), "limit": limit.get("limit")}


def _server(server: Server) -> Payload:
    return {
        "uuid": server.uuid,
        "name": server.name,
        "permalink": server.permalink,
        "organization": server.organization_permalink,
    }


def _message(record: MessageRecord) -> Payload:
    message = record.message
    return {
        "id": message.id,
        "token": message.token,
        "direction": message.scope.value,
        "message_id": message.message_id or None,
        "to": message.rcpt_to,
        "from": message.mail_from or None,
        "subject": message.subject or None,
        "timestamp": float(message.received_at),
        "spam_status": spam_status_of(record).value,
        "tag": message.tag,
    }


_EVENTS: dict[EventType, tuple[str, Callable[[Material], Payload | None]]] = {
    EventType.EMAIL_DELIVERED: ("MessageSent", _status),
    EventType.EMAIL_DELAYED: ("MessageDelayed", _status),
    EventType.EMAIL_FAILED: ("MessageDeliveryFailed", _status),
    EventType.EMAIL_HELD: ("MessageHeld", _status),
    EventType.EMAIL_BOUNCED: ("MessageBounced", _bounced),
    EventType.EMAIL_OPENED: ("MessageLoaded", _loaded),
    EventType.EMAIL_CLICKED: ("MessageLinkClicked", _clicked),
    EventType.DOMAIN_DNS_FAILED: ("DomainDNSError", _domain),
    EventType.SERVER_LIMIT_APPROACHING: ("SendLimitApproaching", _limit),
    EventType.SERVER_LIMIT_EXCEEDED: ("SendLimitExceeded", _limit),
}
