"""What users, members, invitations and sessions have in common, as requests and answers (api.md 2.2 and 2.3)."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import WrongText, checked
from chalicelib.api.v2.objects import Answer, Moment
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.people import users
from chalicelib.domain.people.passwords import LEAST, MOST
from chalicelib.services.people.addresses import checked_email
from chalicelib.services.tenancy.names import LONGEST_NAME
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers

LONGEST_EMAIL = 320
LONGEST_SHOWN = 1_000
MOST_SERVERS = 500


def _text(text: str) -> str:
    if any(unicodedata.category(one) in ("Cc", "Cs") for one in text):
        raise WrongText("line", "may have no control characters")
    return text.strip()


PersonName = Annotated[str, Field(max_length=LONGEST_NAME), AfterValidator(_text)]
Email = Annotated[
    str,
    Field(min_length=3, max_length=LONGEST_EMAIL, examples=["ada@acme.example"]),
    checked(checked_email),
]
# Which may be chosen is told where one is chosen; what is shown to be checked is only bounded.
Password = Annotated[
    str, Field(max_length=LONGEST_SHOWN, description=f"{LEAST} to {MOST} characters.")
]
Shown = Annotated[str, Field(max_length=LONGEST_SHOWN)]
ReadContent = Annotated[
    StrictBool | None, Field(description="Whether they read what mail says; null: as the role.")
]
ServerNames = Annotated[
    list[Annotated[str, Field(max_length=50)]] | None,
    Field(max_length=MOST_SERVERS, description="Permalinks; null: all servers."),
]


class Subject(Answer):
    """Whom an OpenID provider says somebody is."""

    issuer: str
    subject: str


class User(Answer):
    """A person who signs in."""

    id: str
    email: str
    first_name: str
    last_name: str
    time_zone: str
    admin: Annotated[bool, Field(description="Operates the installation.")]
    totp: Annotated[bool, Field(description="Whether an app makes codes for it.")]
    passkeys: Annotated[int, Field(description="How many there are.")]
    oidc: Subject | None
    created_at: Moment
    last_seen_at: Moment | None


def user_fields(user: users.User) -> dict[str, object]:
    """What is shown of a user, by the names of `User`."""
    oidc = {"issuer": user.oidc_issuer, "subject": user.oidc_subject} if user.oidc_issuer else None
    return {
        "id": user.id,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "time_zone": user.time_zone,
        "admin": user.admin,
        "totp": user.sealed_totp is not None,
        "passkeys": user.passkeys,
        "oidc": oidc,
        "created_at": user.created_at,
        "last_seen_at": user.last_seen_at,
    }


async def server_names(call: Call) -> dict[ServerId, str]:
    """The permalinks of the tenant's servers by their numbers."""
    owner = await call.program[Organizations].get(call.acts_in.permalink)
    return {one.id: one.permalink for one in await call.program[Servers].of(owner)}


def named(servers: Collection[ServerId] | None, names: dict[ServerId, str]) -> list[str] | None:
    """The servers that there still are, as they are called; None for all."""
    return None if servers is None else [names[one] for one in servers if one in names]


def numbered(wanted: list[str] | None, names: dict[ServerId, str]) -> tuple[ServerId, ...] | None:
    """The numbers of servers that a request names; InvalidRequest for one that is not there."""
    if wanted is None:
        return None
    numbers = {name: number for number, name in names.items()}
    for place, name in enumerate(wanted):
        if name not in numbers:
            detail = "there is no such server here"
            raise invalid_at(f"/servers/{place}", "unknown_reference", detail)
    return tuple(dict.fromkeys(numbers[name] for name in wanted))
