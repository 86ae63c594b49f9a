"""Records that are wanted, put into the zone of a scripted resolver, and taken out again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy.findings import Purpose


def publish(resolver: ScriptedResolver, records: Iterable[DnsRecord]) -> None:
    """Have these records there, beside no others of their names."""
    zone: dict[str, dict[str, list[Any]]] = {}
    for record in records:
        values = zone.setdefault(record.name, {}).setdefault(record.kind, [])
        values.append(_value(record))
    resolver.zone.update(zone)


def withdraw(resolver: ScriptedResolver, records: Iterable[DnsRecord], *purposes: Purpose) -> None:
    """Take those of the records out that have one of the purposes."""
    for record in records:
        if record.purpose in purposes:
            at = dict(resolver.zone.get(record.name, {}))
            left = [one for one in at.get(record.kind, ()) if one != _value(record)]
            resolver.zone[record.name] = {**at, record.kind: left}


def _value(record: DnsRecord) -> Any:
    if record.kind != "MX":
        return record.value
    preference, _, host = record.value.partition(" ")
    return int(preference), host
