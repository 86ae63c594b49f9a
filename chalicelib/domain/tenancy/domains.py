"""Sending domains."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_domain_owner


@dataclass(frozen=True, slots=True)
class Domain:
    """A sending domain, owned by a server or (server_id None) by its organization (contract section 1.5)."""

    name: str
    organization_id: OrganizationId
    server_id: ServerId | None
    uuid: str
    created_at: int
    verification_token: str
    dkim_identifier: str
    keys: tuple[DkimKey, ...] = ()
    verified_at: int | None = None
    dkim_ok: bool = False
    return_path_ok: bool = False
    use_for_any: bool = False


DOMAINS = Entity(
    Domain,
    "domain",
    place=lambda one: Place(of_domain_owner(one.organization_id, one.server_id), one.name),
    code="D",
    filters=("use_for_any",),
    texts=("name",),
    sealed=("keys",),
    audited="domain",
)
