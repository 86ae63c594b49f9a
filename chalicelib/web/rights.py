"""Who may do what somebody may not, in a sentence: roles are what people know, scopes are not."""

from __future__ import annotations

from chalicelib.domain.people.roles import OWNER_RIGHT, Role, scopes_of
from chalicelib.domain.tenancy.scopes import Reach, granted

_WORDS = {
    Role.VIEWER: "a member",
    Role.MEMBER: "somebody with the role member or above",
    Role.ADMIN: "an admin",
    Role.OWNER: "an owner",
}


def who_may(scope: str, place: str) -> str:
    """`Only an admin of Acme can do this`; `place` is empty outside of any organization."""
    if scope.startswith("installation"):
        return "Only an operator of this installation can do this"
    role = Role.OWNER if scope == OWNER_RIGHT else _least(scope)
    return f"Only {_WORDS[role]}{f' of {place}' if place else ''} can do this"


def _least(scope: str) -> Role:
    for role in Role:
        if scope in granted(scopes_of(role), Reach.ORGANIZATION):
            return role
    return Role.OWNER
