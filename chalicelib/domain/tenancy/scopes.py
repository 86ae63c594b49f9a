"""What a key may do: scopes, in the order in which a missing one is named (api.md 1.3).

Write includes read, and `*` is everything within a key's reach. Nothing here knows which keys there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import Enum

EVERYTHING = "*"
INSTALLATION_WRITE = "installation:write"
SCOPES = (
    "emails:send",
    "emails:read",
    "emails:write",
    "domains:read",
    "domains:write",
    "routing:read",
    "routing:write",
    "webhooks:read",
    "webhooks:write",
    "suppressions:read",
    "suppressions:write",
    "statistics:read",
    "servers:read",
    "servers:write",
    "people:read",
    "people:write",
    "audit:read",
    "installation:read",
    INSTALLATION_WRITE,
)
OF_A_SERVER_KEY = (
    "emails:send",
    "emails:read",
    "statistics:read",
)  # unless it was made with others


class Reach(Enum):
    """How far a key reaches; each reach leaves some areas out of what a key can have there."""

    SERVER = frozenset({"people", "audit", "installation"})
    ORGANIZATION = frozenset({"installation"})
    INSTALLATION = frozenset[str]()


def within(reach: Reach) -> tuple[str, ...]:
    """The scopes that a key of this reach may have."""
    return tuple(scope for scope in SCOPES if scope.partition(":")[0] not in reach.value)


def granted(held: Collection[str], reach: Reach) -> frozenset[str]:
    """All that the scopes of a key stand for: `*` opened, reading with writing, nothing beyond its reach."""
    possible = within(reach)
    if EVERYTHING in held:
        return frozenset(possible)
    reading = {scope.replace(":write", ":read") for scope in held}
    return frozenset(possible) & (reading | set(held))


def first_missing(wanted: Iterable[str], held: Collection[str]) -> str | None:
    """The first scope, in the order of SCOPES, that is wanted and not held."""
    missing = set(wanted) - set(held)
    return next((scope for scope in SCOPES if scope in missing), None)
