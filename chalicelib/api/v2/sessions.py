"""Signing in and out with API v2, and the present session (api.md 2.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.browsers import ended_cookie, kept_cookie
from chalicelib.api.http import HttpAnswer, HttpRequest, MailProgram
from chalicelib.api.json_body import render_json
from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import person_in
from chalicelib.api.v2.objects import JSON_TYPE, Answer, Body, Moment, as_json
from chalicelib.api.v2.people_models import Shown, User, user_fields
from chalicelib.api.v2.problems import answer_problem
from chalicelib.api.v2.public_requests import browser_of, read_public
from chalicelib.api.v2.quota_fields import fields_of
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.config import Settings
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.sessions import csrf_token
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.services.people.confirmations import Confirmations
from chalicelib.services.people.confirmations import Shown as ShownProof
from chalicelib.services.people.factors import Proof
from chalicelib.services.people.memberships import Membership as Known
from chalicelib.services.people.memberships import Memberships
from chalicelib.services.people.oidc_providers import OidcProviders
from chalicelib.services.people.sessions import Browser, Sessions
from chalicelib.services.people.sign_in import Opened, SignIn, WrongSignIn

NOT_KEPT = {"Cache-Control": "no-store"}
_PROOFS = ("totp", "recovery_code", "passkey")


class Membership(Answer):
    """What somebody is in an organization."""

    organization: str
    name: Annotated[str, Field(description="The name of the organization.")]
    role: Role
    servers: Annotated[list[str] | None, Field(description="Permalinks; null: all servers.")]
    read_content: bool


class Session(Answer):
    """A session of a person."""

    id: str
    user: User
    csrf_token: Annotated[str, Field(description="For the header `Posthorn-CSRF`.")]
    memberships: list[Membership]
    created_at: Moment
    expires_at: Moment
    confirmed_at: Annotated[Moment, Field(description="When they last showed who they are.")]


class SessionToOpen(Body):
    """Address and password; or a ticket, with one of the second factors."""

    email: Shown | None = None
    password: Shown | None = None
    remember: StrictBool = False
    ticket: Shown | None = None
    totp: Shown | None = None
    recovery_code: Shown | None = None
    passkey: dict[str, Any] | None = None


class Confirmation(Body):
    """One of what proves who one is; a passkey with its ticket."""

    password: Shown | None = None
    totp: Shown | None = None
    ticket: Shown | None = None
    passkey: dict[str, Any] | None = None


async def open_session(program: MailProgram, request: HttpRequest) -> HttpAnswer:
    """Sign in. Where a second factor is needed, the answer is a problem with a ticket to be sent with one."""
    wanted = read_public(program, request, SessionToOpen)
    _check(wanted)
    try:
        opened = await _open(program, wanted, browser_of(request))
    except WrongSignIn as wrong:
        answer = answer_problem(wrong, request)
        return replace(answer, headers={**answer.headers, **fields_of(wrong.quota)})
    request.notes["user_id"] = opened.user.id
    return await _opened(program, opened)


async def _open(program: MailProgram, wanted: SessionToOpen, browser: Browser) -> Opened:
    if wanted.ticket is not None:
        proof = Proof(wanted.totp, wanted.recovery_code, wanted.passkey)
        return await program[SignIn].open_by_ticket(wanted.ticket, proof, browser)
    await program[OidcProviders].check_local_sign_in()
    email, password = wanted.email or "", wanted.password or ""
    return await program[SignIn].open(email, password, browser, remember=wanted.remember)


async def show_session(call: Call) -> Session:
    """Show the present session, and what its user is a member of."""
    person = person_in(call)
    return await _shown(call.program, person)


async def end_session(call: Call) -> HttpAnswer:
    """Sign out."""
    person = person_in(call)
    await call.program[Sessions].end(person.user.id, person.session.id)
    cookie = ended_cookie(call.program[Settings])
    return HttpAnswer(204, "", {"Set-Cookie": cookie, **NOT_KEPT})


async def confirm_session(call: Call) -> HttpAnswer:
    """Show once more who one is, for what needs it; it counts for ten minutes."""
    wanted = read_public(call.program, call.request, Confirmation)
    given = [name for name in ("password", "totp", "passkey") if getattr(wanted, name) is not None]
    if len(given) != 1:
        raise invalid_at("", "missing", "must have one of password, totp and passkey")
    shown = ShownProof(
        wanted.password, Proof(totp=wanted.totp, passkey=wanted.passkey), wanted.ticket or ""
    )
    await call.program[Confirmations].confirm(person_in(call), shown, browser_of(call.request))
    return HttpAnswer(204, "", {})


def _check(wanted: SessionToOpen) -> None:
    """InvalidRequest unless it is one of the two."""
    proofs = [name for name in _PROOFS if getattr(wanted, name) is not None]
    if wanted.ticket is None:
        for name in _missing(wanted, "email", "password"):
            raise invalid_at(f"/{name}", "missing", "is required")
        for name in proofs:
            raise invalid_at(f"/{name}", "extra_forbidden", "goes with a ticket")
        return
    for name in ("email", "password"):
        if getattr(wanted, name) is not None:
            raise invalid_at(f"/{name}", "extra_forbidden", "does not go with a ticket")
    if len(proofs) != 1:
        raise invalid_at("", "missing", f"must have one of {', '.join(_PROOFS)}")


def _missing(wanted: SessionToOpen, *names: str) -> Iterator[str]:
    return (name for name in names if getattr(wanted, name) is None)


async def _opened(program: MailProgram, opened: Opened) -> HttpAnswer:
    members = await program[Memberships].members(opened.user.id)
    csrf = csrf_token(opened.token)
    person = SignedIn(opened.user, opened.session, tuple(members), csrf)
    shown = await _shown(program, person)
    cookie = kept_cookie(program[Settings], opened.token)
    rate = fields_of(opened.quota)
    headers = {**JSON_TYPE, "Set-Cookie": cookie, **NOT_KEPT, **rate}
    return HttpAnswer(201, render_json(as_json(shown)), headers)


async def _shown(program: MailProgram, person: SignedIn) -> Session:
    session = person.session
    known = await program[Memberships].told(person.members)
    return Session.model_validate(
        {
            "id": session.id,
            "user": user_fields(person.user),
            "csrf_token": person.csrf,
            "memberships": [_membership(one) for one in known],
            "created_at": session.created_at,
            "expires_at": session.expires_at,
            "confirmed_at": session.confirmed_at,
        }
    )


def _membership(known: Known) -> dict[str, Any]:
    return {
        "organization": known.organization.permalink,
        "name": known.organization.name,
        "role": known.member.role,
        "servers": known.servers,
        "read_content": known.member.reads_content,
    }


_OWN: dict[str, Any] = {"tenant": "none", "of_people": True}
ROUTES = (
    route(
        "POST /sessions",
        open_session,
        Session,
        status=201,
        body=SessionToOpen,
        tenant="none",
        is_public=True,
        errors=frozenset({401, 403, 415, 429, 503}),
    ),
    route("GET /session", show_session, Session, **_OWN),
    route("DELETE /session", end_session, None, status=204, **_OWN),
    route(
        "POST /session/confirm",
        confirm_session,
        None,
        status=204,
        body=Confirmation,
        reads_itself=True,
        **_OWN,
    ),
)
