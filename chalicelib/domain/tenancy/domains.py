"""Sending domains."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.dkim_key import ED25519, DkimKey
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_domain_owner


class VerificationMethod(StrEnum):
    """How a domain proves its owner: by a record, or by a code that is mailed."""

    DNS = "DNS"
    EMAIL = "Email"


class VerifiedBy(StrEnum):
    """What proved the owner. Only what a record proved is lost with the record."""

    RECORD = "record"
    CODE = "code"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Domain:
    """A sending domain, owned by a server or (server_id None) by its organization (contract section 1.5).

    `keys` sign, as far as their records are published; `next_keys` take their place when the records of all of them
    are, and `retired_keys` had it before. `verified_by` is None until then, and for what an earlier release verified.
    What sending does not ask for is in the domain's `DomainState`.
    """

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
    verification_method: VerificationMethod = VerificationMethod.DNS
    verified_by: VerifiedBy | None = None
    incoming: bool = False
    next_keys: tuple[DkimKey, ...] = ()
    retired_keys: tuple[DkimKey, ...] = ()

    @property
    def signing_keys(self) -> tuple[DkimKey, ...]:
        """The keys that sign: none while the RSA key's record is not known to be right, and of an Ed25519 key only one
        whose record was not found wrong."""
        if not self.dkim_ok:
            return ()
        return tuple(key for key in self.keys if key.algorithm != ED25519 or key.ok is not False)


DOMAINS = Entity(
    Domain,
    "domain",
    place=lambda one: Place(of_domain_owner(one.organization_id, one.server_id), one.name),
    code="D",
    filters=("use_for_any",),
    texts=("name",),
    sealed=("keys", "next_keys"),
    audited="domain",
)
