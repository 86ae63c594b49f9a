"""Every noun of the configuration, and the secrets that a value of one holds.

`with_secrets(value, secrets_of(value)) == value`; whoever seals a value anew walks these two. A secret is told from
others of its value by a name that means nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from chalicelib.domain.people.invitations import INVITATIONS
from chalicelib.domain.people.members import MEMBERS
from chalicelib.domain.people.oidc_provider import OIDC
from chalicelib.domain.people.passkeys import PASSKEYS
from chalicelib.domain.people.searches import SEARCHES
from chalicelib.domain.people.sessions import SESSIONS
from chalicelib.domain.people.tickets import TICKETS
from chalicelib.domain.people.users import USERS
from chalicelib.domain.tenancy.audit import AUDIT_ENTRIES, CHAIN_HEADS
from chalicelib.domain.tenancy.brought import BROUGHT, SERVER_TOKENS
from chalicelib.domain.tenancy.check_findings import CHECK_FINDINGS
from chalicelib.domain.tenancy.credentials import CREDENTIALS
from chalicelib.domain.tenancy.dkim_key import DkimKey
from chalicelib.domain.tenancy.domain_states import DOMAIN_STATES
from chalicelib.domain.tenancy.domains import DOMAINS
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.entity import Entity
from chalicelib.domain.tenancy.installation import INSTALLATION, NOTICE, Installation
from chalicelib.domain.tenancy.management_keys import MANAGEMENT_KEYS
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.domain.tenancy.pool_rules import POOL_RULES
from chalicelib.domain.tenancy.pools import POOLS
from chalicelib.domain.tenancy.removals import REMOVALS
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.domain.tenancy.servers import SERVERS
from chalicelib.domain.tenancy.sources import SOURCES
from chalicelib.domain.tenancy.streams import STREAMS
from chalicelib.domain.tenancy.track_domains import TRACK_DOMAINS
from chalicelib.domain.tenancy.webhooks import WEBHOOKS

T = TypeVar("T")

# In an order in which each comes after its owner.
NOUNS: tuple[Entity[Any], ...] = (
    INSTALLATION,
    NOTICE,
    OIDC,
    USERS,
    PASSKEYS,
    SESSIONS,
    TICKETS,
    ORGANIZATIONS,
    MEMBERS,
    INVITATIONS,
    SERVERS,
    DOMAINS,
    DOMAIN_STATES,
    TRACK_DOMAINS,
    CREDENTIALS,
    MANAGEMENT_KEYS,
    POOL_RULES,
    ENDPOINTS,
    ROUTES,
    STREAMS,
    WEBHOOKS,
    SEARCHES,
    SOURCES,
    POOLS,
    REMOVALS,
    AUDIT_ENTRIES,
    CHAIN_HEADS,
    CHECK_FINDINGS,
    BROUGHT,
    SERVER_TOKENS,
)
# What organizations and servers have, and what goes with them.
OF_ORGANIZATIONS: tuple[Entity[Any], ...] = (
    DOMAINS,
    DOMAIN_STATES,
    MANAGEMENT_KEYS,
    POOL_RULES,
    MEMBERS,
    INVITATIONS,
)
OF_SERVERS: tuple[Entity[Any], ...] = (
    DOMAINS,
    DOMAIN_STATES,
    TRACK_DOMAINS,
    CREDENTIALS,
    POOL_RULES,
    ENDPOINTS,
    ROUTES,
    STREAMS,
    WEBHOOKS,
    SEARCHES,
)
# What users have that stays as long as they do; sessions and tickets end by themselves.
OF_USERS: tuple[Entity[Any], ...] = (PASSKEYS,)
OF_TENANTS = tuple(dict.fromkeys((*OF_ORGANIZATIONS, *OF_SERVERS)))


@dataclass(frozen=True, slots=True)
class Secret:
    """Sealed bytes and the context that they were sealed under."""

    sealed: bytes
    context: Mapping[str, str]


def secrets_of(entity: Entity[Any], value: Any) -> dict[str, Secret]:
    """What the key vault has sealed in a value, by name."""
    found: dict[str, Secret] = {}
    for name in entity.sealed:
        held = getattr(value, name)
        if isinstance(held, bytes):
            found[name] = Secret(held, _context(value))
        elif held is not None:
            keys = (held,) if isinstance(held, DkimKey) else held
            for number, key in enumerate(keys):
                found[f"{name}.{number}"] = Secret(key.wrapped, key.context)
    return found


def with_secrets(entity: Entity[T], value: T, sealed: Mapping[str, bytes]) -> T:
    """The value with other sealed bytes, by the names of `secrets_of`."""
    changed: Any = value
    for name in entity.sealed:
        held = getattr(value, name)
        if isinstance(held, bytes):
            changed = replace(changed, **{name: sealed[name]})
        elif isinstance(held, DkimKey):
            changed = replace(changed, **{name: replace(held, wrapped=sealed[f"{name}.0"])})
        elif held is not None:
            keys = (
                replace(key, wrapped=sealed[f"{name}.{number}"]) for number, key in enumerate(held)
            )
            changed = replace(changed, **{name: tuple(keys)})
    found: T = changed
    return found


def _context(value: Any) -> Mapping[str, str]:
    found: Mapping[str, str] = (
        value.mac_context if isinstance(value, Installation) else value.context
    )
    return found
