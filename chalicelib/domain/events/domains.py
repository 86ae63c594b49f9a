"""What hourly checks have to tell of a server's own domain, as occurrences (api.md 2.6 and 2.18).

Their detail holds what both formats show, because the next check finds something else: `domain`, `postal`, and `again`
where it was not good before either, of which the format `v2` and lists are not told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from chalicelib.domain.dns.checked import HOUR, lapses_at, next_check_at
from chalicelib.domain.dns.compare import is_of
from chalicelib.domain.dns.records import DnsRecord, key_name
from chalicelib.domain.events.objects import Shown, moment
from chalicelib.domain.occurrence import EventType, Occurrence
from chalicelib.domain.tenancy.dkim_key import ED25519, DkimKey
from chalicelib.domain.tenancy.domain_states import DnsEvent, DomainState
from chalicelib.domain.tenancy.domains import Domain, VerifiedBy
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus

# A check notes what the one before, which may have died, had to tell; longer than that nothing is noted twice.
HEALED_SECONDS = 3 * HOUR
_ORDER = (RecordStatus.INVALID, RecordStatus.MISSING, RecordStatus.OK)


def domain_occurrences(
    domain: Domain, state: DomainState, records: Sequence[DnsRecord]
) -> list[Occurrence]:
    """What the last checks of a domain have to tell, oldest first; the same each time, with the same ids."""
    if domain.server_id is None or state.checked_at is None:
        return []
    since = state.checked_at - HEALED_SECONDS
    wanted = [one for one in state.events if one.at > since]
    shown = domain_object(domain, state, records) if wanted else {}
    postal = postal_object(domain, state) if wanted else {}
    found = []
    for one in wanted:
        detail: Shown = {"domain": shown}
        kind = EventType.DOMAIN_DNS_RECOVERED
        if one.kind is not DnsEvent.RECOVERED:
            kind = EventType.DOMAIN_DNS_FAILED
            detail["postal"] = postal
        if one.kind is DnsEvent.STILL_FAILED:
            detail = {"again": True, "postal": postal}
        what = f"{domain.uuid}/{one.at}"
        found.append(Occurrence(kind, domain.server_id, one.at, what, detail=_json(detail)))
    return found


def is_again(occurrence: Occurrence) -> bool:
    """Whether it was told before that the domain is not good."""
    if occurrence.type is not EventType.DOMAIN_DNS_FAILED or occurrence.detail is None:
        return False
    return bool(json.loads(occurrence.detail).get("again"))


def domain_object(domain: Domain, state: DomainState, records: Iterable[DnsRecord]) -> Shown:
    """A `Domain` as API v2 shows it, without what was found at its records."""
    is_by_record = domain.verified_by is VerifiedBy.RECORD
    return {
        "name": domain.name,
        "owner": "organization" if domain.server_id is None else "server",
        "uuid": domain.uuid,
        "verification_method": domain.verification_method.value,
        "verified_at": _moment(domain.verified_at),
        "lapses_at": _moment(lapses_at(state)) if is_by_record else None,
        "use_for_any": domain.use_for_any,
        "incoming": domain.incoming,
        "dns_ok": state.records_ok and domain.verified_at is not None,
        "dkim_ok": domain.dkim_ok,
        "return_path_ok": domain.return_path_ok,
        "checked_at": _moment(state.checked_at),
        "next_check_at": _moment(next_check_at(state)),
        "created_at": moment(domain.created_at),
        "keys": _keys(domain),
        "records": [_record(one, state) for one in records],
    }


def _record(record: DnsRecord, state: DomainState) -> Shown:
    finding = next((one for one in state.findings if is_of(one, record)), None)
    return {
        "purpose": record.purpose.value,
        "type": record.kind,
        "name": record.name,
        "value": record.value,
        "required": record.required,
        "status": finding.status.value if finding else None,
        "text": finding.text if finding else "",
        "suggestion": finding.suggestion if finding else None,
    }


def _keys(domain: Domain) -> list[Shown]:
    def shown(key: DkimKey, state: str) -> Shown:
        is_known = key.ok is not None or state != "active"
        return {
            "selector": key.selector,
            "algorithm": key.algorithm,
            "state": state,
            "ok": bool(key.ok) if is_known else domain.dkim_ok,
            "created_at": moment(key.created_at or domain.created_at),
        }

    return [
        *(shown(key, "active") for key in domain.keys),
        *(shown(key, "next") for key in domain.next_keys),
        *(shown(key, "retired") for key in domain.retired_keys),
    ]


def postal_object(domain: Domain, state: DomainState) -> Shown:
    """What contract section 6.2 tells of a domain beside its server."""
    names = {key_name(key) for key in domain.keys if key.algorithm != ED25519}
    findings = state.findings
    return {
        "domain": domain.name,
        "uuid": domain.uuid,
        "dns_checked_at": None if state.checked_at is None else float(state.checked_at),
        **_worst("spf", [one for one in findings if one.purpose is Purpose.SPF]),
        **_worst("dkim", [one for one in findings if one.name in names]),
        **_worst("mx", [one for one in findings if one.purpose is Purpose.MX]),
        **_worst("return_path", [one for one in findings if one.purpose is Purpose.RETURN_PATH]),
    }


def _worst(name: str, findings: Sequence[Finding]) -> Shown:
    """Status and text of the record that is furthest from what it should be; null where name servers did not answer,
    for which there is no word."""
    for status in _ORDER:
        for one in findings:
            if one.status is status:
                return {f"{name}_status": status.value, f"{name}_error": one.text or None}
    return {f"{name}_status": None, f"{name}_error": None}


def _moment(at: float | None) -> str | None:
    return None if at is None else moment(at)


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
