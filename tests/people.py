"""People in tests: users with passwords, memberships and sessions."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.passwords import Cost, hashed
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import USERS, User
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Browser, Sessions

PASSWORD = "correct horse battery"
# Costs nothing, and is kept anew at the first sign-in.
CHEAP = hashed(PASSWORD, b"0123456789abcdef", Cost(2, 1, 1))
HERE = Browser("192.0.2.7", "Firefox", "r1")


async def a_person(program: Posthorn, **changes: Any) -> User:
    """A user with PASSWORD."""
    one = secrets.token_hex(5)
    user = User(f"us{one}", f"ada.{one}@people.test", int(program[Clock].now()), password=CHEAP)
    user = replace(user, **changes)
    with acting(None):
        await program[Repository].add(USERS, user)
    return user


async def made_member(
    program: Posthorn, user: User, organization: OrganizationId, role: Role, **changes: Any
) -> Member:
    """The user in an organization."""
    member = Member(organization, user.id, role, int(program[Clock].now()))
    member = replace(member, **changes)
    with acting(None):
        await program[Repository].add(MEMBERS, member)
    return member


async def signed_in(program: Posthorn, user: User) -> str:
    """The token of a new session."""
    _, token = await program[Sessions].open(user, HERE)
    return token
