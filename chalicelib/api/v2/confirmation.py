"""What a person must show once more who they are for, before it is done (api.md 2.3). Of keys nothing is asked."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.domain.people.roles import Role
from chalicelib.domain.people.signed_in import SignedIn
from chalicelib.services.people.confirmations import Confirmations

STRONG = frozenset({Role.OWNER, Role.ADMIN})


async def confirmed(call: Call, *_: Any) -> None:
    """ConfirmationNeeded for a person whose sign-in or confirmation is long ago."""
    if call.caller.person is not None:
        await call.program[Confirmations].require(call.caller.person)


def person_in(call: Call) -> SignedIn:
    """The person who asks, of a route that is for people alone."""
    if call.caller.person is None:
        raise TypeError("this route is for people")
    return call.caller.person
