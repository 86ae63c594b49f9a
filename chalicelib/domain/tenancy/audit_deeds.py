"""Deeds made of what is done and who acts, and the entries of the audit log that tell of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.deeds import Deed
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.audit import (
    Acting,
    AuditEntry,
    ChainHead,
    canonical,
    hash_of,
    without_nothing,
)
from chalicelib.domain.tenancy.told_fields import masked, time_text


@dataclass(frozen=True, slots=True)
class Told:
    """What is done with a thing that is no value of the configuration: what the entry calls the thing, and JSON objects
    of what it was and is, empty for none."""

    object_type: str
    object_id: str
    object_name: str
    verb: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]


def deed_of(
    told: Told, who: Acting, at: float, owner: tuple[OrganizationId, ServerId, str], name: str
) -> Deed:
    """What is done with the thing of an owner: its organization, the number under which it keeps things, and what it is
    called."""
    organization, server, tenant = owner
    before, after = (
        canonical(masked(without_nothing(one))) if one else "" for one in (told.before, told.after)
    )
    return Deed(
        name=name,
        server=server,
        organization=organization,
        tenant=tenant,
        at=at,
        verb=told.verb,
        object_type=told.object_type,
        object_id=told.object_id,
        object_name=told.object_name,
        before=before,
        after=after,
        actor_kind=who.actor.kind,
        actor_id=who.actor.id,
        actor_name=who.actor.name,
        address=who.address,
        request_id=who.request_id,
    )


def entry_of_deed(deed: Deed, head: ChainHead) -> AuditEntry:
    """The entry of what was done, behind the head of its chain."""
    bare = AuditEntry(
        organization_id=head.organization_id,
        number=head.number + 1,
        at=time_text(deed.at),
        actor_kind=deed.actor_kind,
        actor_id=deed.actor_id,
        actor_name=deed.actor_name or None,
        address=deed.address,
        action=f"{deed.object_type}.{deed.verb}",
        tenant=deed.tenant or None,
        object_type=deed.object_type,
        object_id=deed.object_id,
        object_name=deed.object_name,
        before=deed.before,
        after=deed.after,
        request_id=deed.request_id,
        previous=head.hash,
        operation=deed.name,
    )
    return replace(bare, hash=hash_of(bare.told))
