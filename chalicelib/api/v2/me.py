"""Oneself with API v2: the user who is signed in, and their sessions (api.md 2.3)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import person_in
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.organizations import TimeZone
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.people_models import (
    Email,
    Password,
    PersonName,
    Shown,
    User,
    user_fields,
)
from chalicelib.api.v2.public_requests import browser_of
from chalicelib.api.v2.quota_fields import fields_of
from chalicelib.api.v2.route import route
from chalicelib.domain.people import sessions as people
from chalicelib.domain.people.users import Theme
from chalicelib.domain.people.users import User as KeptUser
from chalicelib.services.people.confirmations import Confirmations
from chalicelib.services.people.email_changes import EmailChanges
from chalicelib.services.people.sessions import Sessions
from chalicelib.services.people.users import Users

PROVING = frozenset({"email", "password"})


class Preferences(Answer):
    """How the pages are for oneself."""

    theme: Theme
    shortcuts: bool
    newest_first: bool
    first_steps: Annotated[bool, Field(description="The list of first steps stands beside pages.")]


class Me(User):
    """The user who is signed in."""

    preferences: Preferences


class PreferencesToChange(Patch):
    """What may be changed of them."""

    theme: Theme = Theme.SYSTEM
    shortcuts: StrictBool = True
    newest_first: StrictBool = True
    first_steps: StrictBool = True


class MeToChange(Patch):
    """What one may change of oneself. A new address is in force when the link that is mailed to it was followed."""

    needed = frozenset({"email", "password", "current_password", "preferences"})

    email: Email | None = None
    first_name: PersonName = ""
    last_name: PersonName = ""
    time_zone: TimeZone = "UTC"
    password: Password | None = None
    current_password: Annotated[
        Shown | None, Field(description="Needed to change `email` or `password`.")
    ] = None
    preferences: PreferencesToChange | None = None


class OwnSession(Answer):
    """A session of oneself."""

    id: str
    created_at: Moment
    last_seen_at: Moment
    address: str
    user_agent: str
    current: bool


class OwnSessionPage(ListAnswer):
    """Sessions, newest first."""

    data: list[OwnSession]


async def show_me(call: Call) -> Me:
    """Show the user who is signed in."""
    return _shown(person_in(call).user)


async def change_me(call: Call, change: MeToChange) -> Me:
    """Change oneself. Another password ends one's other sessions."""
    person, users, given = person_in(call), call.program[Users], change.given()
    current = given.pop("current_password", None)
    if given.keys() & PROVING:
        await call.program[Confirmations].check_password(
            person, current, browser_of(call.request), "current_password"
        )
    if given.get("password") is not None:
        given["password"] = await users.kept(given["password"], person.user.email)
    email = given.pop("email", None)
    preferences = given.pop("preferences", None)
    if preferences is not None:
        given |= preferences.given()
    user = await users.change(person.user.id, person.session, **given) if given else person.user
    if email is not None:
        quota = await call.program[EmailChanges].request(user, email)
        call.fields.update({} if quota is None else fields_of(quota))
    return _shown(user)


async def list_my_sessions(call: Call, query: PageQuery) -> OwnSessionPage:
    """List one's sessions, newest first."""
    person = person_in(call)
    found = await call.program[Sessions].of(person.user.id)

    def shown(one: people.Session) -> OwnSession:
        return OwnSession.model_validate(
            {
                "id": one.id,
                "created_at": one.created_at,
                "last_seen_at": one.last_seen_at,
                "address": one.address,
                "user_agent": one.user_agent,
                "current": one.id == person.session.id,
            }
        )

    return OwnSessionPage(**await page(call, query, found, _position, shown))


async def end_my_other_sessions(call: Call) -> None:
    """Sign out everywhere else."""
    person = person_in(call)
    await call.program[Sessions].end_all(person.user.id, person.session)


async def end_my_session(call: Call) -> None:
    """End one of one's sessions."""
    await call.program[Sessions].end(person_in(call).user.id, call.value("id"))


def _shown(user: KeptUser) -> Me:
    preferences = {
        "theme": user.theme,
        "shortcuts": user.shortcuts,
        "newest_first": user.newest_first,
        "first_steps": user.first_steps,
    }
    return Me.model_validate({**user_fields(user), "preferences": preferences})


def _position(session: people.Session) -> str:
    return f"{session.created_at:012d} {session.id}"


_OWN: dict[str, Any] = {"tenant": "none", "of_people": True}
ROUTES = (
    route("GET /me", show_me, Me, **_OWN),
    route("PATCH /me", change_me, Me, body=MeToChange, **_OWN),
    route("GET /me/sessions", list_my_sessions, OwnSessionPage, query=PageQuery, **_OWN),
    route("DELETE /me/sessions", end_my_other_sessions, None, status=204, **_OWN),
    route("DELETE /me/sessions/{id}", end_my_session, None, status=204, **_OWN),
)
