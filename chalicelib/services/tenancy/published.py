"""What is published in DNS, beside what should be."""

from __future__ import annotations

from chalicelib.domain.dns.records import DnsRecord, Finding, RecordStatus, compare
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.resolver import Resolver


async def look_at(resolver: Resolver, record: DnsRecord) -> Finding:
    """How what is published compares with a record; Unknown when the name servers cannot be asked."""
    try:
        if record.kind == "TXT":
            return compare(record, await resolver.txt(record.name))
        target = await resolver.cname(record.name)
    except TemporaryFailure as failure:
        return Finding(record.purpose, record.name, RecordStatus.UNKNOWN, failure.public)
    return compare(record, () if target is None else (target,))
