"""The audit log with API v2 (api.md 2.21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import Instant
from chalicelib.api.v2.listing import read_cursor, render_cursor
from chalicelib.api.v2.objects import Answer, ListAnswer, PageQuery
from chalicelib.api.v2.route import route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.domain.tenancy.told_fields import time_text
from chalicelib.services.tenancy.audit_log import AuditLog, EntryFilter
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

LONGEST_FILTER = 500
Word = Annotated[str | None, Field(max_length=LONGEST_FILTER)]


class Actor(Answer):
    """Who made a change."""

    kind: Annotated[str, Field(description="`user`, `key` or `system`.")]
    id: str | None
    name: str | None


class ChangedObject(Answer):
    """What was changed; its id is what paths name it by."""

    type: str
    id: str
    name: str


class AuditEntry(Answer):
    """One change. Secrets are `***`, mail addresses `sha256:` and their hash."""

    id: Annotated[str, Field(description="Its number in the chain, without gaps.")]
    at: str
    actor: Actor
    address: str
    action: Annotated[str, Field(examples=["server.update"])]
    tenant: str | None
    object: ChangedObject
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request_id: str
    previous: Annotated[str, Field(description="The hash of the entry before.")]
    hash: Annotated[
        str, Field(description="SHA-256 of the RFC 8785 form of the entry without `hash`.")
    ]


class AuditPage(ListAnswer):
    """Entries, newest first."""

    data: list[AuditEntry]


class AuditQuery(PageQuery):
    """Which entries."""

    actor: Word = None
    action: Word = None
    object: Annotated[Word, Field(description="An id or name.")] = None
    since: Instant | None = None
    until: Instant | None = None


async def list_audit(call: Call, query: AuditQuery) -> AuditPage:
    """List who changed what, newest first."""
    tenant, only = call.tenant, await readable_servers(call)
    wanted = EntryFilter(
        query.actor, query.action, query.object, only, _time(query.since), _time(query.until)
    )
    chain = None if tenant is None else tenant.organization_id
    page = await call.program[AuditLog].page(
        chain, wanted, query.limit, await read_cursor(call, query)
    )
    return AuditPage(
        data=[AuditEntry.model_validate(one.told) for one in page.values],
        has_more=page.next_cursor is not None,
        next_cursor=await render_cursor(call, query, page.next_cursor),
    )


async def readable_servers(call: Call) -> dict[str, str] | None:
    """The servers whose entries the caller may read here, each with when it was made, since an earlier one may have had
    its name; None for all of the chain."""
    if call.tenant is not None and call.tenant.server is not None:
        return _since_made([call.tenant.server])
    limited = call.caller.servers
    if call.tenant is None or limited is None:
        return None
    owner = await call.program[Organizations].get(call.tenant.permalink)
    known = await call.program[Servers].of(owner)
    return _since_made([one for one in known if one.id in limited])


def _since_made(servers: Sequence[Server]) -> dict[str, str]:
    return {one.full_name: time_text(one.created_at) for one in servers}


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


ROUTES = (
    route(
        "GET /audit",
        list_audit,
        AuditPage,
        query=AuditQuery,
        tenant="either",
        scope="audit:read",
        installation_scope="audit:read",
    ),
)
