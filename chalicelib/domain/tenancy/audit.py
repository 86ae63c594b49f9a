"""The audit log: who changed what, as chains of entries that each hold the hash of the one before (api.md 2.21).

An organization has a chain, and the installation one. An entry is a value like those of the configuration, so that it
is stored in the same transaction as the change; its name falls as its number rises, so that lists begin with the
newest. Its hash is SHA-256 of its canonical form (RFC 8785) without the hash: whoever has the entries can recompute it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.operations import Operation
from chalicelib.domain.tenancy.change import Change, Verb
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.domain.tenancy.told_fields import masked, time_text, told_fields

NO_HASH = "0" * 64
LEAST_KEPT = 10_000
"""So many entries a chain keeps, the newest, however old they are."""
_LAST = 10**10 - 1
_VERBS = {Verb.ADD: "create", Verb.REPLACE: "update", Verb.REMOVE: "delete"}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: `user`, `key` or `system`; what an operator calls it, empty for somebody unknown."""

    kind: str
    name: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts from where, in which request or job, and what it is called when that is not create, update or delete.
    `named`: what the thing is called, where its value does not say."""

    actor: Actor
    address: str = ""
    request_id: str = ""
    tenant: str | None = None
    verb: str | None = None
    job: str = ""
    named: str = ""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change. `before` and `after` are JSON objects, or empty for none. `operation` names what is told of where the
    entry is not stored with that: two entries of a chain never tell of the same."""

    organization_id: OrganizationId | None
    number: int
    at: str
    actor_kind: str
    actor_id: str | None
    actor_name: str | None
    address: str
    action: str
    tenant: str | None
    object_type: str
    object_id: str
    object_name: str
    before: str
    after: str
    request_id: str
    previous: str
    hash: str = ""
    operation: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """The entry as the API shows it."""
        return {
            "id": f"{self.number:010d}",
            "at": self.at,
            "actor": {"kind": self.actor_kind, "id": self.actor_id, "name": self.actor_name},
            "address": self.address,
            "action": self.action,
            "tenant": self.tenant,
            "object": {
                "type": self.object_type,
                "id": self.object_id,
                "name": self.object_name,
            },
            "before": json.loads(self.before) if self.before else None,
            "after": json.loads(self.after) if self.after else None,
            "request_id": self.request_id,
            "previous": self.previous,
            "hash": self.hash,
        }


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest entry of a chain: its number and hash."""

    organization_id: OrganizationId | None
    number: int
    hash: str


def of_chain(organization: OrganizationId | None) -> Owner:
    """Whose entries: an organization's chain, or the installation's."""
    return Owner("AUDIT", str(organization or 0))


def entry_place(organization: OrganizationId | None, number: int) -> Place:
    """Where an entry stands in its chain, the newest first."""
    return Place(of_chain(organization), f"{_LAST - number:010d}")


ENTRY_OF_OPERATION: LookUp[AuditEntry] = LookUp(
    "EO",
    lambda one: Place(of_chain(one.organization_id), one.operation) if one.operation else None,
)
AUDIT_ENTRIES = Entity(
    AuditEntry,
    "audit entry",
    place=lambda one: entry_place(one.organization_id, one.number),
    code="E",
    look_ups=(ENTRY_OF_OPERATION,),
    filters=("action", "object_id", "actor_id", "tenant"),
)
CHAIN_HEADS = Entity(
    ChainHead,
    "audit chain",
    place=lambda one: Place(of_chain(one.organization_id)),
    code="H",
)


def entry_of_operation(operation: Operation, name: str, head: ChainHead, server: str) -> AuditEntry:
    """The entry of an operation of this name on a message of a server (`acme/mail`), behind the head of its chain."""
    bare = AuditEntry(
        organization_id=head.organization_id,
        number=head.number + 1,
        at=time_text(operation.at),
        actor_kind=operation.actor_kind,
        actor_id=operation.actor_id,
        actor_name=operation.actor_name,
        address=operation.address,
        action=f"email.{operation.verb}",
        tenant=server,
        object_type="email",
        object_id=str(operation.message),
        object_name=operation.token,
        before=masked(operation.before),
        after=masked(operation.after),
        request_id=operation.request_id,
        previous=head.hash,
        operation=name,
    )
    return replace(bare, hash=hash_of(bare.told))


def entry_of(
    change: Change[Any],
    before: Any,
    acting: Acting,
    now: float,
    head: ChainHead,
    server: str | None = None,
) -> AuditEntry | None:
    """The entry of a change, behind the head of its chain; None when no field that is told changed. `server` names the
    server that the value belongs to."""
    entity, value = change.entity, change.value
    old = {} if before is None else told_fields(before)
    new = {} if change.verb is Verb.REMOVE else told_fields(value)
    if change.verb is not Verb.REPLACE:
        old, new = without_nothing(old), without_nothing(new)
    else:
        changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
        old = {name: old[name] for name in changed if name in old}
        new = {name: new[name] for name in changed if name in new}
        if not changed:
            return None
    bare = AuditEntry(
        organization_id=head.organization_id,
        number=head.number + 1,
        at=time_text(now),
        actor_kind=acting.actor.kind,
        actor_id=acting.actor.id,
        actor_name=acting.actor.name,
        address=acting.address,
        action=f"{entity.audited}.{acting.verb or _VERBS[change.verb]}",
        tenant=server or _tenant_of(value) or (acting.tenant or "").partition("/")[0] or None,
        object_type=entity.audited,
        object_id=_object_id(value),
        object_name=acting.named or _object_name(value),
        before="" if change.verb is Verb.ADD else canonical(masked(old)),
        after="" if change.verb is Verb.REMOVE else canonical(masked(new)),
        request_id=acting.request_id,
        previous=head.hash,
    )
    return replace(bare, hash=hash_of(bare.told))


def hash_of(told: Mapping[str, Any]) -> str:
    """The hash of an entry as the API shows it, whatever it has in `hash`."""
    return hashlib.sha256(
        canonical({name: one for name, one in told.items() if name != "hash"}).encode()
    ).hexdigest()


def first_broken(told: Iterable[Mapping[str, Any]]) -> str | None:
    """The id of the first entry, oldest first, whose hash or place in the chain is wrong; None when all are right. A
    chain begins with 1, or what is old was removed from it: then it has LEAST_KEPT entries at least."""
    entries = list(told)
    first = int(entries[0]["id"]) if entries else 1
    if first > 1 and len(entries) < LEAST_KEPT:
        return str(entries[0]["id"])
    previous = entries[0]["previous"] if first > 1 else NO_HASH
    for number, entry in enumerate(entries, first):
        follows = int(entry["id"]) == number and entry["previous"] == previous
        if not (follows and entry["hash"] == hash_of(entry)):
            return str(entry["id"])
        previous = entry["hash"]
    return None


def without_nothing(told: Mapping[str, Any]) -> dict[str, Any]:
    """What of it there is."""
    return {name: one for name, one in told.items() if one is not None}


def _tenant_of(value: Any) -> str | None:
    """The server that a value is, or the organization that it is or belongs to, if it says so."""
    for name in ("full_name", "organization_permalink", "permalink"):
        if hasattr(value, name):
            return str(getattr(value, name))
    return None


def _object_id(value: Any) -> str:
    """What paths name it by."""
    for name in ("full_name", "permalink"):
        if hasattr(value, name):
            return str(getattr(value, name))
    return str(getattr(value, "id", None) or value.name)


def _object_name(value: Any) -> str:
    """What people call it. Of people this is their address, which stands nowhere else in an entry."""
    if address := getattr(value, "email", ""):
        return str(address)
    return str(masked(str(getattr(value, "name", ""))))


def canonical(value: Any) -> str:
    """RFC 8785 for what entries hold: no number but integers, and names in ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
