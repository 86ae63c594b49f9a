"""People in tests: users with passwords, memberships and sessions."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from chalicelib import bootstrap
from chalicelib.api.browsers import cookie_name
from chalicelib.bootstrap import Posthorn
from chalicelib.domain.numbering import OrganizationId
from chalicelib.domain.people.members import MEMBERS, Member
from chalicelib.domain.people.passwords import Cost, hashed
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import csrf_token
from chalicelib.domain.people.users import USERS, User
from chalicelib.ports.acting import acting
from chalicelib.ports.clock import Clock
from chalicelib.ports.repository import Repository
from chalicelib.services.people.sessions import Browser, Sessions
from tests.http_api import ApiWorld, Reply

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


class Visitor:
    """Somebody with a browser: the API with the cookie that it set, and the token of the session."""

    def __init__(self, api: ApiWorld, **headers: str) -> None:
        self.api = api
        self.headers = headers
        self.user: User | None = None
        self.cookie = ""
        self.csrf = ""

    @property
    def who(self) -> User:
        """Who has signed in."""
        assert self.user is not None
        return self.user

    def ask(
        self, method: str, path: str, value: Any = None, tenant: str = "", **more: str
    ) -> Reply:
        """A request as a page of ours makes it; what the answer sets is kept."""
        sent = {"cookie": self.cookie} if self.cookie else {}
        sent |= {"posthorn_csrf": self.csrf} if self.csrf else {}
        sent |= self.headers | more
        sent.setdefault("authorization", "")
        reply = self.api.manage(method, path, value, tenant, "-", **sent)
        if "set-cookie" in reply.headers:
            self.cookie = reply.headers["set-cookie"].partition(";")[0]
        return reply

    def enter(self, user: User) -> Visitor:
        """Signed in as this user, without the password."""
        token = bootstrap.run(signed_in(self.api.scene.posthorn, user))
        self.user, self.csrf = user, csrf_token(token)
        self.cookie = f"{cookie_name(self.api.scene.posthorn.settings)}={token}"
        return self

    def sign_in(self, email: str, password: str = PASSWORD, **more: Any) -> Reply:
        """With address and password."""
        reply = self.ask("POST", "/sessions", {"email": email, "password": password, **more})
        if reply.status == 201:
            self.csrf = reply.json["csrf_token"]
        return reply


def visitor(api: ApiWorld, role: Role | None = None, **changes: Any) -> Visitor:
    """A new user who has signed in, with this role in the organization of the world."""
    terms = {name: changes.pop(name) for name in ("servers", "read_content") if name in changes}
    user = bootstrap.run(a_person(api.scene.posthorn, **changes))
    if role is not None:
        organization = api.scene.organization.id
        bootstrap.run(made_member(api.scene.posthorn, user, organization, role, **terms))
    found = Visitor(api)
    assert found.sign_in(user.email).status == 201
    found.user = user
    return found
