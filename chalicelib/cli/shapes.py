"""The JSON shapes that the command prints: accounts, domains, credentials, messages.

Times are RFC 3339 in UTC. No secret has a place in any of these; a new key is added by the one command that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chalicelib.cli.terminal import iso
from chalicelib.domain.dns.records import DnsRecord, track_host
from chalicelib.domain.engagement import EngagementEvent
from chalicelib.domain.model import Delivery, Message, MessageRecord, State
from chalicelib.domain.tenancy.credentials import Credential
from chalicelib.domain.tenancy.domains import Domain
from chalicelib.domain.tenancy.findings import Finding
from chalicelib.domain.tenancy.management_keys import ManagementKey
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.sources import EgressSource
from chalicelib.domain.tenancy.track_domains import TrackDomain
from chalicelib.services.pools.sources import Pool

Shape = dict[str, object]
_MESSAGE = (
    "id token direction mail_from rcpt_to subject message_id tag size bounce pool domain credential "
    "received_with_ssl received_at"
)
# The names of what is shown, in this order.
_NAMES: Mapping[type, str] = {
    Organization: "id permalink name uuid created_at suspended_at suspension_reason",
    Server: "id server name token uuid created_at mode pool shards send_limit allow_sender privacy_mode "
    "retry_schedule unknown_outcome suspended suspended_at suspension_reason",
    Domain: "name uuid owner created_at verified_at dkim_ok return_path_ok use_for_any selectors",
    DnsRecord: "purpose type name value required",
    Finding: "purpose name status text",
    TrackDomain: "name domain host uuid created_at ssl_enabled track_clicks track_loads excluded_click_domains "
    "dns_status dns_error dns_checked_at",
    Credential: "id kind name hint network hold cram bare_newlines scopes networks expires_at created_at last_used_at",
    ManagementKey: "id name organization servers scopes networks expires_at hint created_by created_at last_used_at",
    EgressSource: "name pool kind address address6 host port username has_password tls ehlo priority suspended_until",
    Pool: "name has_queue servers sources",
    Message: _MESSAGE,
    MessageRecord: f"{_MESSAGE} status held hold_expires_at tries next_attempt_at last_attempt_at opened_at clicked_at",
    Delivery: "id status details output at seconds sent_with_ssl tls source remote log_id",
    EngagementEvent: "at address user_agent automatic",
}
# What is null when a source has none.
_OF_SOURCES = ("address", "address6", "host", "port", "username", "ehlo", "suspended_until")
# What a thing has under another name, or not as a field of its own. Of keys and passwords, whether there are any.
_MADE: Mapping[type, Callable[[Any], Shape]] = {
    Server: lambda server: {"server": server.full_name, "suspended": server.is_suspended},
    Domain: lambda domain: {
        "owner": "organization" if domain.server_id is None else "server",
        "selectors": [key.selector for key in domain.keys],
    },
    DnsRecord: lambda record: {"type": record.kind},
    TrackDomain: lambda track: {"name": track_host(track), "host": track.name},
    Credential: lambda credential: {
        "hint": credential.hint or None,
        "cram": credential.sealed_key is not None,
    },
    ManagementKey: lambda key: {"organization": key.organization_id},
    EgressSource: lambda source: {
        "has_password": source.sealed_password is not None,
        **{name: None for name in _OF_SOURCES if not getattr(source, name)},
    },
    Message: lambda message: {
        "direction": message.scope,
        "pool": message.origin.pool,
        "domain": message.origin.domain,
        "credential": message.origin.credential_id,
    },
    MessageRecord: lambda record: {
        **shape(record.message),
        "next_attempt_at": iso(record.wake_at) if _is_planned(record) else None,
    },
}


def shape(thing: object) -> Shape:
    """The JSON object of a thing; what it holds may be things again. KeyError for what has no shape."""
    names = _NAMES[type(thing)].split()
    made = _MADE[type(thing)](thing) if type(thing) in _MADE else {}
    return {name: made[name] if name in made else _value(thing, name) for name in names}


def _value(thing: object, name: str) -> object:
    value = getattr(thing, name)
    return iso(value) if name == "at" or name.endswith(("_at", "_until")) else value


def _is_planned(record: MessageRecord) -> bool:
    return record.state is State.WAITING and record.wake_at > 0
