"""Keys for whoever manages: an organization, some of its servers, or the installation (api.md 2.4)."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Entity, LookUp, Owner, Place
from chalicelib.domain.tenancy.owners import THE_INSTALLATION, of_key, of_organization
from chalicelib.domain.tenancy.scopes import Reach


@dataclass(frozen=True, slots=True)
class ManagementKey:
    """A key of an organization, or (None) of the installation. Only its digest is kept.

    `servers`: those of the organization that it is limited to, None for all. `networks`: CIDR texts from which it may
    be used, none for everywhere. `created_by` names who made it.
    """

    id: str
    name: str
    created_at: int
    created_by: str
    digest: str
    hint: str
    scopes: tuple[str, ...]
    organization_id: OrganizationId | None = None
    servers: tuple[ServerId, ...] | None = None
    networks: tuple[str, ...] = ()
    expires_at: int | None = None
    last_used_at: int | None = None

    @property
    def reach(self) -> Reach:
        """How far it reaches."""
        return Reach.INSTALLATION if self.organization_id is None else Reach.ORGANIZATION


def of_keys(organization: OrganizationId | None) -> Owner:
    """Whose keys: an organization's, or (None) the installation's."""
    return THE_INSTALLATION if organization is None else of_organization(organization)


BY_MANAGEMENT_KEY: LookUp[ManagementKey] = LookUp("M", lambda one: Place(of_key(one.digest)))
MANAGEMENT_KEYS = Entity(
    ManagementKey,
    "key",
    place=lambda one: Place(of_keys(one.organization_id), one.id),
    code="M",
    look_ups=(BY_MANAGEMENT_KEY,),
    audited="key",
)
