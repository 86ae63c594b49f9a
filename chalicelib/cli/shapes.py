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


def organization_shape(organization: Organization) -> Shape:
    """An organization."""
    return {
        "id": organization.id,
        "permalink": organization.permalink,
        "name": organization.name,
        "uuid": organization.uuid,
        "created_at": iso(organization.created_at),
        "suspended_at": iso(organization.suspended_at),
        "suspension_reason": organization.suspension_reason,
    }


def server_shape(server: Server) -> Shape:
    """A mail server and its options."""
    return {
        "id": server.id,
        "server": server.full_name,
        "name": server.name,
        "token": server.token,
        "uuid": server.uuid,
        "created_at": iso(server.created_at),
        "mode": server.mode.value,
        "pool": server.pool,
        "shards": server.shards,
        "send_limit": server.send_limit,
        "allow_sender": server.allow_sender,
        "privacy_mode": server.privacy_mode,
        "retry_schedule": server.retry_schedule,
        "unknown_outcome": server.unknown_outcome.value,
        "suspended": server.is_suspended,
        "suspended_at": iso(server.suspended_at),
        "suspension_reason": server.suspension_reason,
    }


def domain_shape(domain: Domain) -> Shape:
    """A sending domain and how it stands."""
    return {
        "name": domain.name,
        "uuid": domain.uuid,
        "owner": "organization" if domain.server_id is None else "server",
        "created_at": iso(domain.created_at),
        "verified_at": iso(domain.verified_at),
        "dkim_ok": domain.dkim_ok,
        "return_path_ok": domain.return_path_ok,
        "use_for_any": domain.use_for_any,
        "selectors": [key.selector for key in domain.keys],
    }


def record_shape(record: DnsRecord) -> Shape:
    """A DNS record to publish."""
    return {
        "purpose": record.purpose.value,
        "type": record.kind,
        "name": record.name,
        "value": record.value,
        "required": record.required,
    }


def finding_shape(finding: Finding) -> Shape:
    """What was found at a record's name."""
    return {
        "purpose": finding.purpose.value,
        "name": finding.name,
        "status": finding.status.value,
        "text": finding.text,
    }


def track_domain_shape(track: TrackDomain) -> Shape:
    """A track domain and how it stands."""
    return {
        "name": track_host(track),
        "domain": track.domain,
        "host": track.name,
        "uuid": track.uuid,
        "created_at": iso(track.created_at),
        "ssl_enabled": track.ssl_enabled,
        "track_clicks": track.track_clicks,
        "track_loads": track.track_loads,
        "excluded_click_domains": list(track.excluded_click_domains),
        "dns_status": None if track.dns_status is None else track.dns_status.value,
        "dns_error": track.dns_error,
        "dns_checked_at": iso(track.dns_checked_at),
    }


def credential_shape(credential: Credential) -> Shape:
    """A credential; of its key only the last characters."""
    return {
        "id": credential.id,
        "kind": credential.kind.value,
        "name": credential.name,
        "hint": credential.hint or None,
        "network": credential.network,
        "hold": credential.hold,
        "cram": credential.sealed_key is not None,
        "bare_newlines": credential.bare_newlines.value,
        "created_at": iso(credential.created_at),
        "last_used_at": iso(credential.last_used_at),
    }


def source_shape(source: EgressSource) -> Shape:
    """An egress source; of its password only whether there is one."""
    return {
        "name": source.name,
        "pool": source.pool,
        "kind": source.kind.value,
        "address": source.address or None,
        "address6": source.address6 or None,
        "host": source.host or None,
        "port": source.port or None,
        "username": source.username or None,
        "has_password": source.sealed_password is not None,
        "tls": source.tls,
        "ehlo": source.ehlo or None,
        "priority": source.priority,
        "suspended_until": iso(source.suspended_until) if source.suspended_until else None,
    }


def pool_shape(pool: Pool) -> Shape:
    """A pool with its ways out."""
    return {
        "name": pool.name,
        "has_queue": pool.has_queue,
        "servers": list(pool.servers),
        "sources": [source_shape(each) for each in pool.sources],
    }


def message_shape(record: MessageRecord) -> Shape:
    """A message and where it stands, without its deliveries."""
    message = record.message
    waiting = record.state is State.WAITING and record.wake_at > 0
    return {
        "id": message.id,
        "token": message.token,
        "direction": message.scope.value,
        "mail_from": message.mail_from,
        "rcpt_to": message.rcpt_to,
        "subject": message.subject,
        "message_id": message.message_id,
        "tag": message.tag,
        "size": message.size,
        "bounce": message.bounce,
        "pool": message.origin.pool,
        "domain": message.origin.domain,
        "credential": message.origin.credential_id,
        "received_with_ssl": message.received_with_ssl,
        "received_at": iso(message.received_at),
        "status": record.status.value,
        "held": record.held,
        "hold_expires_at": iso(record.hold_expires_at),
        "tries": record.tries,
        "next_attempt_at": iso(record.wake_at) if waiting else None,
        "last_attempt_at": iso(record.last_attempt_at),
        "opened_at": iso(record.opened_at),
        "clicked_at": iso(record.clicked_at),
    }


def delivery_shape(delivery: Delivery) -> Shape:
    """One attempt or change of state."""
    return {
        "id": delivery.id,
        "status": delivery.status.value,
        "details": delivery.details,
        "output": delivery.output,
        "at": iso(delivery.at),
        "seconds": delivery.seconds,
        "sent_with_ssl": delivery.sent_with_ssl,
        "tls": delivery.tls,
        "source": delivery.source,
        "remote": delivery.remote,
        "log_id": delivery.log_id,
    }


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
    return {
        "at": iso(hit.at),
        "address": hit.address,
        "user_agent": hit.user_agent,
        "automatic": hit.automatic,
    }
