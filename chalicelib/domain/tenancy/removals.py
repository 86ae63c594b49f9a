"""What was removed and is not yet forgotten: until then nobody else may have its permalink."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Entity, Owner, Place

ALL_REMOVALS = Owner("REMOVALS")


@dataclass(frozen=True, slots=True)
class Removal:
    """An organization, or (`server_id`) a server of one, that is gone and whose data is there still.

    `name` is what it was called in paths, `acme` or `acme/mail`. `shards` is that of the server: where its mail lies.
    """

    name: str
    organization_id: OrganizationId
    removed_at: int
    server_id: ServerId | None = None
    shards: int = 1


REMOVALS = Entity(Removal, "removal", place=lambda one: place_of(one.name), code="X")


def place_of(name: str) -> Place:
    """Where the removal of what was called so is."""
    return Place(ALL_REMOVALS, name)
