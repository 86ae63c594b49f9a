"""The roles of members, and what each may do (api.md 2.2)."""

from __future__ import annotations

from enum import Enum

from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES

OWNER_RIGHT = "owner"
"""What is named as missing where only an owner may do something; no key has it."""


class Role(Enum):
    """What somebody is in an organization, from the least to the most."""

    VIEWER = "viewer"
    MEMBER = "member"
    ADMIN = "admin"
    OWNER = "owner"


_NOT_READ = ("audit:read", "installation:read")
_VIEWER = tuple(scope for scope in SCOPES if scope.endswith(":read") and scope not in _NOT_READ)
_MEMBER = (
    *_VIEWER,
    "emails:send",
    "emails:write",
    "domains:write",
    "routing:write",
    "webhooks:write",
    "suppressions:write",
)
_ADMIN = (*_MEMBER, "servers:write", "people:write", "audit:read")
_SCOPES = {
    Role.VIEWER: _VIEWER,
    Role.MEMBER: _MEMBER,
    Role.ADMIN: _ADMIN,
    Role.OWNER: (EVERYTHING,),
}
READS = _VIEWER


def scopes_of(role: Role) -> tuple[str, ...]:
    """The scopes of a role, as those of a key of an organization."""
    return _SCOPES[role]


def reads_content(role: Role, chosen: bool | None) -> bool:
    """Whether a member reads the content of mail: what was chosen, or else what goes with the role; an owner always."""
    if role is Role.OWNER:
        return True
    return role is not Role.VIEWER if chosen is None else chosen


def is_lower(role: Role, other: Role) -> bool:
    """Whether a role is less than another."""
    ranks = tuple(Role)
    return ranks.index(role) < ranks.index(other)
