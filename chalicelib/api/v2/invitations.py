"""Invitations with API v2, and by the token of their link (api.md 2.2)."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import STRONG, confirmed
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import (
    JSON_TYPE,
    Answer,
    Body,
    ListAnswer,
    Moment,
    PageQuery,
    as_json,
)
from chalicelib.api.v2.people_models import (
    Email,
    Password,
    PersonName,
    ReadContent,
    ServerNames,
    named,
    numbered,
    server_names,
)
from chalicelib.api.v2.public_requests import browser_of, person_of, read_public
from chalicelib.api.v2.rates import count
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.people import invitations as people
from chalicelib.domain.people.roles import Role, reads_content
from chalicelib.domain.rates import RESET
from chalicelib.domain.tenancy.organizations import Organization
from chalicelib.services.people.addresses import known_as
from chalicelib.services.people.invitations import Invitations
from chalicelib.services.people.members import Terms
from chalicelib.services.people.users import NewUser
from chalicelib.services.tenancy.organizations import Organizations


class Invitation(Answer):
    """An invitation of an address."""

    id: str
    email: str
    role: Role
    servers: Annotated[list[str] | None, Field(description="Permalinks; null: all servers.")]
    read_content: bool
    invited_by: str
    created_at: Moment
    expires_at: Moment
    accepted_at: Moment | None


class InvitationMade(Invitation):
    """An invitation that was just made."""

    url: Annotated[
        str | None,
        Field(description="Its link, shown here alone, where the installation sends no mail."),
    ] = None


class InvitationToMake(Body):
    """A new invitation."""

    email: Email
    role: Role
    servers: ServerNames = None
    read_content: ReadContent = None


class InvitationPage(ListAnswer):
    """Invitations, newest first."""

    data: list[Invitation]


class OfferedInvitation(Answer):
    """What the link of an invitation offers."""

    organization: str
    name: Annotated[str, Field(description="The name of the organization.")]
    email: str
    role: Role
    expires_at: Moment
    has_account: Annotated[bool, Field(description="Whether to sign in to accept.")]


class InvitationToAccept(Body):
    """Who accepts: nothing of somebody who is signed in."""

    first_name: PersonName = ""
    last_name: PersonName = ""
    password: Password | None = None


class AcceptedInvitation(Answer):
    """What one is a member of now."""

    organization: str


async def list_invitations(call: Call, query: PageQuery) -> InvitationPage:
    """List the invitations that have not ended, newest first."""
    found = await call.program[Invitations].of(await _organization(call))
    shown = partial(_shown, await server_names(call))
    return InvitationPage(**await page(call, query, found, _position, shown))


async def create_invitation(call: Call, wanted: InvitationToMake) -> InvitationMade:
    """Invite somebody: a link is mailed that works once, for a week. An older one to the address ends."""
    names = await server_names(call)
    servers = numbered(wanted.servers, names)
    content = reads_content(wanted.role, wanted.read_content)
    call.caller.may_give_role(wanted.role, servers, reads_content=content)
    await count(call, RESET, f"invitation {known_as(wanted.email)}")
    terms = Terms(wanted.role, servers, wanted.read_content)
    made = await call.program[Invitations].invite(
        await _organization(call), wanted.email, terms, call.caller
    )
    url = made.url if call.caller.is_of_installation else None
    return InvitationMade.model_validate({**_fields(names, made.invitation), "url": url})


async def withdraw_invitation(call: Call) -> None:
    """Withdraw an invitation: its link works no more."""
    call.caller.require_whole_organization()
    await call.program[Invitations].withdraw(await _organization(call), call.value("id"))


async def show_offered_invitation(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Show what the link of an invitation offers."""
    offer = await program[Invitations].offered(request.path_values["token"])
    shown = OfferedInvitation.model_validate(
        {
            "organization": offer.organization.permalink,
            "name": offer.organization.name,
            "email": offer.invitation.email,
            "role": offer.invitation.role,
            "expires_at": offer.invitation.expires_at,
            "has_account": offer.user is not None,
        }
    )
    return HttpAnswer(200, render_json(as_json(shown)), JSON_TYPE)


async def accept_invitation(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Accept an invitation: as who is signed in, or as a new user with a password."""
    wanted = read_public(program, request, InvitationToAccept)
    token, invitations = request.path_values["token"], program[Invitations]
    person = await person_of(program, request)
    offer = await invitations.offered(token)
    if person is None and offer.user is None and wanted.password is None:
        raise invalid_at("/password", "missing", "a new user needs a password")
    organization = await invitations.accept(
        token,
        None if person is None else person.user,
        NewUser("", wanted.first_name, wanted.last_name, password=wanted.password),
        browser_of(request),
    )
    answer = AcceptedInvitation(organization=organization.permalink)
    return HttpAnswer(200, render_json(as_json(answer)), JSON_TYPE)


async def _before_making(call: Call, wanted: InvitationToMake) -> None:
    content = reads_content(wanted.role, wanted.read_content)
    call.caller.may_give_role(wanted.role, call.caller.servers, reads_content=content)
    if wanted.role in STRONG:
        await confirmed(call)


async def _organization(call: Call) -> Organization:
    return await call.program[Organizations].get(call.acts_in.permalink)


def _shown(names: dict[ServerId, str], invitation: people.Invitation) -> Invitation:
    return Invitation.model_validate(_fields(names, invitation))


def _fields(names: dict[ServerId, str], invitation: people.Invitation) -> dict[str, Any]:
    return {
        "id": invitation.id,
        "email": invitation.email,
        "role": invitation.role,
        "servers": named(invitation.servers, names),
        "read_content": reads_content(invitation.role, invitation.read_content),
        "invited_by": invitation.invited_by,
        "created_at": invitation.created_at,
        "expires_at": invitation.expires_at,
        "accepted_at": invitation.accepted_at,
    }


def _position(invitation: people.Invitation) -> str:
    return f"{invitation.created_at:012d} {invitation.id}"


_READ: dict[str, Any] = {"tenant": "organization", "scope": "people:read"}
_WRITE: dict[str, Any] = {"tenant": "organization", "scope": "people:write"}
_OFFER = "/invitations/by-token/{token}"
ROUTES = (
    route("GET /invitations", list_invitations, InvitationPage, query=PageQuery, **_READ),
    route(
        "POST /invitations",
        create_invitation,
        InvitationMade,
        status=201,
        body=InvitationToMake,
        before=_before_making,
        location="/invitations/{id}",
        shows_secret=True,
        **_WRITE,
    ),
    route("DELETE /invitations/{id}", withdraw_invitation, None, status=204, **_WRITE),
    route(
        f"GET {_OFFER}",
        show_offered_invitation,
        OfferedInvitation,
        tenant="none",
        is_public=True,
        errors=frozenset({404}),
    ),
    route(
        f"POST {_OFFER}",
        accept_invitation,
        AcceptedInvitation,
        body=InvitationToAccept,
        tenant="none",
        is_public=True,
        errors=frozenset({401, 403, 404, 409, 415}),
    ),
)
