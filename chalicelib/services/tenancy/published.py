"""What is published in DNS, beside what should be."""

from __future__ import annotations

from chalicelib.domain.dns.records import DnsRecord, Finding, RecordStatus, compare
from chalicelib.domain.errors import TemporaryFailure
from chalicelib.ports.name_servers import NameServers


async def look_at(servers: NameServers, record: DnsRecord) -> Finding:
    """How what is published compares with a record; Unknown when the name servers cannot be asked."""
    try:
        return compare(record, await servers.published(record.name, record.kind))
    except TemporaryFailure as failure:
        return Finding(record.purpose, record.name, RecordStatus.UNKNOWN, failure.public)
