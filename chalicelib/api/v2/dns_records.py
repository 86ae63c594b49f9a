"""Records in DNS as API v2 shows them: what is wanted beside what was found (api.md 2.6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from chalicelib.api.v2.objects import Answer
from chalicelib.domain.dns.records import DnsRecord
from chalicelib.domain.tenancy.findings import Finding, Purpose, RecordStatus


class Record(Answer):
    """One record to publish, and what the last check found."""

    purpose: Annotated[Purpose, Field(description="More may come.")]
    type: str
    name: str
    value: str
    required: Annotated[
        bool,
        Field(
            description="Without it Posthorn does not send so, or not with the domain's own key."
        ),
    ]
    status: Annotated[
        RecordStatus | None,
        Field(description="Unknown: the name servers do not answer; null: nobody looked."),
    ]
    found: Annotated[list[str], Field(description="What is there, at most 8 kB of it.")]
    text: Annotated[str, Field(description="What to do; empty when it is right.")]
    suggestion: Annotated[
        str | None, Field(description="What to publish in place of the first that was found.")
    ]


def record_shown(record: DnsRecord, finding: Finding | None) -> Record:
    """A record, with its finding if somebody looked."""
    return Record(
        purpose=record.purpose,
        type=record.kind,
        name=record.name,
        value=record.value,
        required=record.required,
        status=finding.status if finding else None,
        found=list(finding.found) if finding else [],
        text=finding.text if finding else "",
        suggestion=finding.suggestion if finding else None,
    )
