"""The JSON shapes that the command prints: accounts, domains, credentials, messages.

Times are RFC 3339 in UTC. No secret has a place in any of these; a new key is added by the one command that makes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.cli.terminal import iso
from chalicelib.domain.dns.records import DnsRecord, Finding, track_host
from chalicelib.domain.engagement import EngagementEvent, TrackDomain
from chalicelib.domain.model import Delivery, MessageRecord, State
from chalicelib.domain.tenancy.entities import (
    Credential,
    Domain,
    EgressSource,
    Organization,
    Server,
)
from chalicelib.services.messages.history import Activity
from chalicelib.services.pools.sources import Pool

Shape = dict[str, object]


def _shape(thing: object, names: str, **own: object) -> Shape:
    """The named fields of a thing, in this order; `own` are those that it has not, or has otherwise."""
    return {name: own[name] if name in own else _value(thing, name) for name in names.split()}


def _value(thing: object, name: str) -> object:
    value = getattr(thing, name)
    return iso(value) if name == "at" or name.endswith(("_at", "_until")) else value


def organization_shape(organization: Organization) -> Shape:
    """An organization."""
    return _shape(organization, "id permalink name uuid created_at suspended_at suspension_reason")


def server_shape(server: Server) -> Shape:
    """A mail server and its options."""
    return _shape(
        server,
        "id server name token uuid created_at mode pool shards send_limit allow_sender privacy_mode retry_schedule "
        "unknown_outcome suspended suspended_at suspension_reason",
        server=server.full_name,
        suspended=server.is_suspended,
    )


def domain_shape(domain: Domain) -> Shape:
    """A sending domain and how it stands."""
    return _shape(
        domain,
        "name uuid owner created_at verified_at dkim_ok return_path_ok use_for_any selectors",
        owner="organization" if domain.server_id is None else "server",
        selectors=[key.selector for key in domain.keys],
    )


def record_shape(record: DnsRecord) -> Shape:
    """A DNS record to publish."""
    return _shape(record, "purpose type name value required", type=record.kind)


def finding_shape(finding: Finding) -> Shape:
    """What was found at a record's name."""
    return _shape(finding, "purpose name status text")


def track_domain_shape(track: TrackDomain) -> Shape:
    """A track domain and how it stands."""
    return _shape(
        track,
        "name domain host uuid created_at ssl_enabled track_clicks track_loads excluded_click_domains dns_status "
        "dns_error dns_checked_at",
        name=track_host(track),
        host=track.name,
    )


def credential_shape(credential: Credential) -> Shape:
    """A credential; of its key only the last characters."""
    return _shape(
        credential,
        "id kind name hint network hold cram bare_newlines created_at last_used_at",
        hint=credential.hint or None,
        cram=credential.sealed_key is not None,
    )


def source_shape(source: EgressSource) -> Shape:
    """An egress source; of its password only whether there is one. What it has not is null."""
    lacking = ("address", "address6", "host", "port", "username", "ehlo", "suspended_until")
    return _shape(
        source,
        "name pool kind address address6 host port username has_password tls ehlo priority suspended_until",
        has_password=source.sealed_password is not None,
        **{name: None for name in lacking if not getattr(source, name)},
    )


def pool_shape(pool: Pool) -> Shape:
    """A pool with its ways out."""
    sources = [source_shape(each) for each in pool.sources]
    return _shape(pool, "name has_queue servers sources", sources=sources)


def message_shape(record: MessageRecord) -> Shape:
    """A message and where it stands, without its deliveries."""
    message = record.message
    waiting = record.state is State.WAITING and record.wake_at > 0
    what_it_is = _shape(
        message,
        "id token direction mail_from rcpt_to subject message_id tag size bounce pool domain credential "
        "received_with_ssl received_at",
        direction=message.scope,
        pool=message.origin.pool,
        domain=message.origin.domain,
        credential=message.origin.credential_id,
    )
    return what_it_is | _shape(
        record,
        "status held hold_expires_at tries next_attempt_at last_attempt_at opened_at clicked_at",
        next_attempt_at=iso(record.wake_at) if waiting else None,
    )


def delivery_shape(delivery: Delivery) -> Shape:
    """One attempt or change of state."""
    return _shape(
        delivery, "id status details output at seconds sent_with_ssl tls source remote log_id"
    )


def timeline_shape(
    record: MessageRecord, deliveries: Sequence[Delivery], activity: Activity
) -> Shape:
    """A message with its whole log, and who opened it and followed its links; oldest first."""
    return {
        **message_shape(record),
        "deliveries": [delivery_shape(each) for each in deliveries],
        "opens": [_hit_shape(each) for each in activity.opens],
        "clicks": [{"url": each.url, **_hit_shape(each)} for each in activity.clicks],
    }


def _hit_shape(hit: EngagementEvent) -> Shape:
    return _shape(hit, "at address user_agent automatic")
