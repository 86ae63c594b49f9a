"""Members of an organization with API v2 (api.md 2.2)."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import STRONG, confirmed
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.people_models import (
    Email,
    ReadContent,
    ServerNames,
    named,
    numbered,
    server_names,
)
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import unknown_reference
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.people import members as people
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.users import User
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.services.people.members import Members, Terms
from chalicelib.services.people.users import Users

Found = tuple[people.Member, User]


class Member(Answer):
    """A user in an organization."""

    user: Annotated[str, Field(description="The user's id.")]
    email: str
    name: str
    role: Role
    servers: Annotated[list[str] | None, Field(description="Permalinks; null: all servers.")]
    read_content: Annotated[bool, Field(description="Whether they read what mail says.")]
    second_factor: bool
    last_seen_at: Moment | None
    created_at: Moment


class MemberToAdd(Body):
    """A user who becomes a member without being invited."""

    email: Email
    role: Role
    servers: ServerNames = None
    read_content: ReadContent = None


class MemberToChange(Patch):
    """What may be changed of a member."""

    needed = frozenset({"role"})

    role: Role | None = None
    servers: ServerNames = None
    read_content: ReadContent = None


class MemberPage(ListAnswer):
    """Members, newest first."""

    data: list[Member]


async def list_members(call: Call, query: PageQuery) -> MemberPage:
    """List the members of the organization, newest first."""
    found = await call.program[Members].of(call.acts_in.organization_id)
    shown = partial(_shown, await server_names(call))
    return MemberPage(**await page(call, query, found, _position, shown))


async def add_member(call: Call, wanted: MemberToAdd) -> Member:
    """Make a user a member without an invitation."""
    user = await call.program[Users].known(wanted.email)
    if user is None:
        raise unknown_reference("email", "There is no user of this address")
    names = await server_names(call)
    terms = Terms(wanted.role, numbered(wanted.servers, names), wanted.read_content)
    made = await call.program[Members].add(call.acts_in.organization_id, user, terms)
    return _shown(names, (made, user))


async def change_member(call: Call, change: MemberToChange) -> Member:
    """Change what a member may."""
    given, names = change.given(), await server_names(call)
    member, user = await _named(call)
    call.caller.require_whole_organization()
    if "servers" in given:
        given["servers"] = numbered(given["servers"], names)
    _check_touch(call, member)
    if given:
        wanted = replace(member, **given)
        call.caller.may_give_role(wanted.role, wanted.servers, reads_content=wanted.reads_content)
        member = await call.program[Members].change(member, user, **given)
    return _shown(names, (member, user))


async def remove_member(call: Call) -> None:
    """Remove a member, or leave; the last owner stays."""
    is_oneself = call.caller.person is not None and call.value("user") == call.caller.key.id
    if not is_oneself:
        call.caller.require("people:write")
    member, user = await _named(call)
    if not is_oneself:
        call.caller.require_whole_organization()
        _check_touch(call, member)
    await call.program[Members].remove(member, user)


async def _before_adding(call: Call, wanted: MemberToAdd) -> None:
    if wanted.role in STRONG:
        await confirmed(call)


async def _before_changing(call: Call, change: MemberToChange) -> None:
    role = change.given().get("role")
    if role is Role.OWNER:
        call.caller.require_owner()
    if role in STRONG:
        await confirmed(call)


def _check_touch(call: Call, member: people.Member) -> None:
    """ScopeMissing: who is no owner touches none."""
    if member.role is Role.OWNER:
        call.caller.require_owner()


async def _named(call: Call) -> Found:
    return await call.program[Members].get(call.acts_in.organization_id, call.value("user"))


def _shown(names: dict[ServerId, str], found: Found) -> Member:
    member, user = found
    return Member.model_validate(
        {
            "user": user.id,
            "email": user.email,
            "name": user.name,
            "role": member.role,
            "servers": named(member.servers, names),
            "read_content": member.reads_content,
            "second_factor": user.has_second_factor,
            "last_seen_at": user.last_seen_at,
            "created_at": member.created_at,
        }
    )


def _position(found: Found) -> str:
    return f"{found[0].created_at:012d} {found[0].user_id}"


_ONE = "/members/{user}"
_READ: dict[str, Any] = {"tenant": "organization", "scope": "people:read"}
_WRITE: dict[str, Any] = {"tenant": "organization", "scope": "people:write"}
ROUTES = (
    route("GET /members", list_members, MemberPage, query=PageQuery, **_READ),
    route(
        "POST /members",
        add_member,
        Member,
        status=201,
        body=MemberToAdd,
        before=_before_adding,
        location="/members/{user}",
        tenant="organization",
        scope=INSTALLATION_WRITE,
    ),
    route(
        f"PATCH {_ONE}",
        change_member,
        Member,
        body=MemberToChange,
        before=_before_changing,
        **_WRITE,
    ),
    route(
        f"DELETE {_ONE}",
        remove_member,
        None,
        status=204,
        note="Anyone may leave; removing others needs the scope `people:write`.",
        **_READ,
    ),
)
