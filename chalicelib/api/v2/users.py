"""Users with API v2 (api.md 2.2)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Body, ListAnswer, PageQuery
from chalicelib.api.v2.organizations import TimeZone
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.people_models import Email, Password, PersonName, User, user_fields
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Conflict
from chalicelib.domain.people import users as people
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.services.people.account_mail import AccountMail
from chalicelib.services.people.addresses import known_as
from chalicelib.services.people.users import NewUser, Users
from chalicelib.services.tenancy.system_server import SystemServer

# What proves a user or makes them an operator, of others: for operators of the whole installation.
OF_OPERATORS = frozenset({"email", "password", "admin"})
CONFIRMED = frozenset({"password", "admin"})


class UserToMake(Body):
    """A new user."""

    email: Email
    first_name: PersonName = ""
    last_name: PersonName = ""
    time_zone: TimeZone = "UTC"
    admin: StrictBool = False
    password: Annotated[
        Password | None, Field(description="Left out: a link to choose one is mailed.")
    ] = None


class UserToChange(Patch):
    """What may be changed of a user."""

    needed = frozenset({"email", "password"})

    email: Email | None = None
    first_name: PersonName = ""
    last_name: PersonName = ""
    time_zone: TimeZone = "UTC"
    admin: StrictBool = False
    password: Password | None = None


class UserPage(ListAnswer):
    """Users, newest first."""

    data: list[User]


class UsersQuery(PageQuery):
    """Which users."""

    q: Annotated[
        str | None,
        Field(
            max_length=500, description="A part of the address or the name, in any case of letters."
        ),
    ] = None


async def list_users(call: Call, query: UsersQuery) -> UserPage:
    """List the users of the installation, newest first."""
    found = await call.program[Users].all(query.q or "")
    return UserPage(**await page(call, query, found, _position, user_fields))


async def create_user(call: Call, wanted: UserToMake) -> User:
    """Make a user."""
    if wanted.password is None:
        await call.program[SystemServer].find()  # else nobody would get the link
    made = await call.program[Users].create(NewUser(**wanted.model_dump()))
    if wanted.password is None:
        await call.program[AccountMail].choose_password(made)
    return _shown(made)


async def show_user(call: Call) -> User:
    """Show a user."""
    return _shown(await _named(call))


async def change_user(call: Call, change: UserToChange) -> User:
    """Change a user. A change of what proves them, or of `admin`, ends their sessions.

    Nobody takes `admin` from themselves: an installation would be left without an operator."""
    users, given = call.program[Users], change.given()
    user = await _named(call)
    if user.admin and not given.get("admin", True) and user.id == call.caller.key.id:
        raise Conflict("Nobody ends their own right to operate: another operator does")
    if given.get("password") is not None:
        given["password"] = await users.kept(given["password"], given.get("email", user.email))
    if "email" in given:
        given["email"] = known_as(given["email"])
    if given:
        own = call.caller.person
        keep = own.session if own is not None and own.user.id == user.id else None
        user = await users.change(user.id, keep, **given)
    return _shown(user)


async def remove_user(call: Call) -> None:
    """Remove a user, with what is theirs alone; not oneself, nor the last owner of an organization."""
    user = await _named(call)
    if user.id == call.caller.key.id:
        raise Conflict("Nobody removes themselves")
    await call.program[Users].remove(user)


async def sign_out_user(call: Call) -> None:
    """End all sessions of a user."""
    user = await _named(call)
    await call.program[Users].end_everything(user.id)


async def reset_user_factors(call: Call) -> None:
    """Take all second factors from a user, who is told by mail."""
    user = await call.program[Users].reset_factors((await _named(call)).id)
    await call.program[AccountMail].factors_were_reset(user)


async def _before_making(call: Call, _: UserToMake) -> None:
    call.caller.require_everything()


async def _before_changing(call: Call, change: UserToChange) -> None:
    given = change.given().keys()
    if given & OF_OPERATORS:
        call.caller.require_everything()
    if given & CONFIRMED:
        await confirmed(call)


async def _named(call: Call) -> people.User:
    return await call.program[Users].get(call.value("id"))


def _shown(user: people.User) -> User:
    return User.model_validate(user_fields(user))


def _position(user: people.User) -> str:
    return f"{user.created_at:012d} {user.id}"


_ONE = "/users/{id}"
_READ: dict[str, Any] = {"tenant": "none", "scope": "installation:read"}
_WRITE: dict[str, Any] = {"tenant": "none", "scope": INSTALLATION_WRITE}
ROUTES = (
    route("GET /users", list_users, UserPage, query=UsersQuery, **_READ),
    route(
        "POST /users",
        create_user,
        User,
        status=201,
        body=UserToMake,
        before=_before_making,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_user, User, **_READ),
    route(f"PATCH {_ONE}", change_user, User, body=UserToChange, before=_before_changing, **_WRITE),
    route(f"DELETE {_ONE}", remove_user, None, status=204, before=confirmed, **_WRITE),
    route(f"DELETE {_ONE}/sessions", sign_out_user, None, status=204, **_WRITE),
    route(
        f"DELETE {_ONE}/factors",
        reset_user_factors,
        None,
        status=204,
        before=confirmed,
        **_WRITE,
    ),
)
