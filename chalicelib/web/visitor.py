"""Who looks at a page, by the cookie of their session, and what they are in the tenant that the path names."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.domain.errors import Unauthenticated
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.callers import Callers


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in: as they ask the API, which narrows them itself, and as they are in the tenant."""

    caller: Caller
    here: Caller


async def caller_of(program: MailProgram, request: HttpRequest, token: str) -> Caller:
    """Whose session this token is of. Unauthenticated."""
    if not token:
        raise Unauthenticated("Sign in")
    return await program[Callers].by_session(token, request.client_address)


async def visitor(program: MailProgram, caller: Caller, tenant: str | None) -> Visitor:
    """Somebody in the tenant. NotFound for one that they do not reach."""
    here = caller
    if tenant is not None:
        found = await program[Callers].tenant(caller, tenant)
        here = caller.within(found.organization_id)
    return Visitor(caller, here)
