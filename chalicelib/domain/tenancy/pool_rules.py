"""Which pool a message leaves by, when it is not its server's: rules of a server and of its organization."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy.entity import Entity, Place
from chalicelib.domain.tenancy.owners import of_domain_owner


@dataclass(frozen=True, slots=True)
class PoolRule:
    """A rule of a server, or (server_id None) of its organization (contract section 1.10).

    `senders` and `recipients` are addresses and domains in lower case, one of the two lists at least not empty.
    `number` rises from rule to rule.
    """

    id: str
    organization_id: OrganizationId
    server_id: ServerId | None
    number: int
    created_at: int
    pool: str
    senders: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()


POOL_RULES = Entity(
    PoolRule,
    "pool rule",
    place=lambda one: Place(of_domain_owner(one.organization_id, one.server_id), one.id),
    code="PR",
    filters=("pool",),
    audited="pool_rule",
)


@dataclass(frozen=True, slots=True)
class PoolChoice:
    """The rules for the mail of a server, in the order in which they are asked."""

    rules: tuple[PoolRule, ...] = ()

    def pool_for(self, senders: Iterable[str], recipient: str) -> str | None:
        """The pool of the first rule of which a line matches one of the addresses of From, or the recipient; None when
        none does (contract section 4.15)."""
        if not self.rules:
            return None
        known = [_names(address) for address in senders]
        to = _names(recipient)
        for rule in self.rules:
            by_sender = any(names.intersection(rule.senders) for names in known)
            if by_sender or to.intersection(rule.recipients):
                return rule.pool
        return None


def in_order(of_server: Iterable[PoolRule], of_organization: Iterable[PoolRule]) -> PoolChoice:
    """The server's rules before the organization's, each newest first."""
    newest_first = [
        sorted(rules, key=lambda one: one.number, reverse=True)
        for rules in (of_server, of_organization)
    ]
    return PoolChoice(tuple(rule for rules in newest_first for rule in rules))


def _names(address: str) -> frozenset[str]:
    """What a line may be to match an address: the address without its tag, or its domain."""
    local, at, domain = address.lower().rpartition("@")
    return frozenset({f"{local.partition('+')[0]}{at}{domain}", domain})
