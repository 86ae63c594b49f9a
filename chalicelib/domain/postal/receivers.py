"""Endpoints and webhooks of Postal as ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from chalicelib.domain.destination_guard import DestinationGuard
from chalicelib.domain.http_url import read_url
from chalicelib.domain.mail.mailbox import domain_of
from chalicelib.domain.occurrence import EventType
from chalicelib.domain.postal.rows import Row, id_of, mark, moment, number, text, uuid_of
from chalicelib.domain.postal.tenants import Found, plain_name
from chalicelib.domain.postal.wanted import Note, Wanted, refused, told
from chalicelib.domain.tenancy.endpoints import (
    ENDPOINTS,
    Endpoint,
    EndpointType,
    PayloadEncoding,
    PayloadFormat,
    SslMode,
)
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.webhooks import WEBHOOKS, Retries, Webhook, WebhookFormat

E = TypeVar("E", bound=StrEnum)
SHORTEST, LONGEST = 5, 60  # seconds of a time-out
CLOSED = (
    "its destination is private or reserved, and is refused at each attempt here unless"
    " POSTHORN_ALLOWED_DESTINATIONS names it"
)
EVENTS = {
    "MessageSent": EventType.EMAIL_DELIVERED,
    "MessageDelayed": EventType.EMAIL_DELAYED,
    "MessageDeliveryFailed": EventType.EMAIL_FAILED,
    "MessageHeld": EventType.EMAIL_HELD,
    "MessageBounced": EventType.EMAIL_BOUNCED,
    "MessageLinkClicked": EventType.EMAIL_CLICKED,
    "MessageLoaded": EventType.EMAIL_OPENED,
    "DomainDNSError": EventType.DOMAIN_DNS_FAILED,
    "SendLimitApproaching": EventType.SERVER_LIMIT_APPROACHING,
    "SendLimitExceeded": EventType.SERVER_LIMIT_EXCEEDED,
}


def http_endpoint_of(row: Row, server: Server, guard: DestinationGuard) -> Found:
    """An HTTP endpoint."""
    named = text(row, "name") or "http"
    what = f"endpoint {named} of {server.full_name}"
    url = read_url(text(row, "url") or "")
    if url is None:
        return None, [refused(what, f"{text(row, 'url')} is no http or https URL")]
    timeout = number(row, "timeout") or SHORTEST
    notes = [told(what, CLOSED)] if guard.refuses(url.host) else []
    if not SHORTEST <= timeout <= LONGEST:
        notes.append(told(what, f"its time-out of {timeout} s is {SHORTEST} to {LONGEST} s here"))
    value = Endpoint(
        id=id_of(row, "http_endpoints"),
        server_id=server.id,
        uuid=uuid_of(row, "http_endpoints"),
        type=EndpointType.HTTP,
        name=plain_name(named, "http"),
        created_at=moment(row, "created_at") or 0,
        url=url.bare,
        format=_one_of(PayloadFormat, text(row, "format"), PayloadFormat.HASH),
        encoding=_one_of(PayloadEncoding, text(row, "encoding"), PayloadEncoding.JSON),
        strip_replies=mark(row, "strip_replies"),
        include_attachments=mark(row, "include_attachments"),
        timeout=min(max(timeout, SHORTEST), LONGEST),
        last_used_at=moment(row, "last_used_at"),
    )
    secrets = {"sealed_user_info": url.user_info.encode()} if url.user_info else {}
    return Wanted("http_endpoints", value.uuid, what, ENDPOINTS, value, secrets), notes


def smtp_endpoint_of(row: Row, server: Server, guard: DestinationGuard) -> Found:
    """An SMTP endpoint."""
    hostname = text(row, "hostname")
    named = text(row, "name") or hostname or "smtp"
    what = f"endpoint {named} of {server.full_name}"
    if hostname is None:
        return None, [refused(what, "it has no host name")]
    mode = "STARTTLS" if text(row, "ssl_mode") == "STARTLS" else text(row, "ssl_mode")
    notes = [told(what, CLOSED)] if guard.refuses(hostname) else []
    if mode in ("STARTTLS", "TLS"):
        notes.append(told(what, "its certificate is verified here, which Postal does not do"))
    value = Endpoint(
        id=id_of(row, "smtp_endpoints"),
        server_id=server.id,
        uuid=uuid_of(row, "smtp_endpoints"),
        type=EndpointType.SMTP,
        name=plain_name(named, "smtp"),
        created_at=moment(row, "created_at") or 0,
        hostname=hostname,
        port=number(row, "port") or 25,
        ssl_mode=_one_of(SslMode, mode, SslMode.AUTO),
        last_used_at=moment(row, "last_used_at"),
    )
    return Wanted("smtp_endpoints", value.uuid, what, ENDPOINTS, value), notes


def address_endpoint_of(row: Row, server: Server) -> Found:
    """An address endpoint."""
    address = text(row, "address") or ""
    what = f"endpoint {address} of {server.full_name}"
    if not domain_of(address):
        return None, [refused(what, "this is no address")]
    value = Endpoint(
        id=id_of(row, "address_endpoints"),
        server_id=server.id,
        uuid=uuid_of(row, "address_endpoints"),
        type=EndpointType.ADDRESS,
        name=plain_name(address, "address"),
        created_at=moment(row, "created_at") or 0,
        address=address.lower(),
        last_used_at=moment(row, "last_used_at"),
    )
    return Wanted("address_endpoints", value.uuid, what, ENDPOINTS, value), []


def webhook_of(row: Row, events: Sequence[Row], server: Server, guard: DestinationGuard) -> Found:
    """A webhook; `events` are its rows of `webhook_events`."""
    named = text(row, "name") or "webhook"
    what = f"webhook {named} of {server.full_name}"
    url = read_url(text(row, "url") or "")
    if url is None:
        return None, [refused(what, f"{text(row, 'url')} is no http or https URL")]
    notes = [told(what, CLOSED)] if guard.refuses(url.host) else []
    if row.get("sign") is not None and not mark(row, "sign"):
        notes.append(
            told(what, "signing is off in Postal, which has no effect: every request is signed")
        )
    chosen, unknown = _events(events)
    if unknown:
        notes.append(told(what, f"events that are not known: {', '.join(unknown)}"))
    value = Webhook(
        id=id_of(row, "webhooks"),
        server_id=server.id,
        uuid=uuid_of(row, "webhooks"),
        name=plain_name(named, "webhook"),
        created_at=moment(row, "created_at") or 0,
        url=url.bare,
        format=WebhookFormat.POSTAL,
        events=None if mark(row, "all_events") else chosen,
        retries=Retries.POSTAL,
        enabled=mark(row, "enabled"),
        last_used_at=moment(row, "last_used_at"),
    )
    secrets = {"sealed_user_info": url.user_info.encode()} if url.user_info else {}
    return Wanted("webhooks", value.uuid, what, WEBHOOKS, value, secrets), notes


def renamed(found: Found, taken: set[str]) -> Found:
    """An endpoint under a name that no other of its server has."""
    wanted, notes = found
    if wanted is None:
        return found
    name, more = _free_name(wanted.value, taken)
    return replace(wanted, value=replace(wanted.value, name=name)), [*notes, *more]


def _free_name(found: Endpoint, taken: set[str]) -> tuple[str, list[Note]]:
    name, count = found.name, 2
    while name in taken:
        name = f"{found.name[:90]} {count}"
        count += 1
    taken.add(name)
    if name == found.name:
        return name, []
    return name, [told(f"endpoint {found.name}", f"another has its name: it is called {name} here")]


def _events(rows: Sequence[Row]) -> tuple[tuple[EventType, ...], list[str]]:
    names = [text(row, "event") or "" for row in rows]
    known = {EVENTS[name] for name in names if name in EVENTS}
    order = list(EventType)
    unknown = sorted({name for name in names if name not in EVENTS})
    return tuple(sorted(known, key=order.index)), unknown


def _one_of(kind: type[E], given: str | None, usual: E) -> E:
    return next((one for one in kind if one.value == given), usual)
