"""What operators have chosen about pools, which are made by deploying."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.tenancy.entity import Entity, Owner, Place

ALL_POOLS = Owner("POOL-CHOICES")
FIRST_DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """A pool of which something was chosen. One of them is the default, at most; without one it is FIRST_DEFAULT.

    organizations: those that may be given the pool, None for every one.
    """

    name: str
    is_default: bool = False
    organizations: tuple[OrganizationId, ...] | None = None


POOLS = Entity(
    PoolSettings,
    "pool",
    place=lambda one: Place(ALL_POOLS, one.name),
    code="P",
    audited="pool",
)
