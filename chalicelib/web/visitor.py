"""Who looks at a page, by the cookie of their session, and what they are in the tenant that the path names."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.services.tenancy.caller import Caller
from chalicelib.services.tenancy.callers import Callers


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in: as they ask the API, which narrows them itself, and as they are in the tenant."""

    caller: Caller
    here: Caller


async def visitor(
    program: MailProgram, request: HttpRequest, token: str, tenant: str | None, right: str
) -> Visitor:
    """The visitor in the tenant. Unauthenticated; NotFound for a tenant they do not reach; ScopeMissing."""
    callers = program[Callers]
    caller = here = await callers.by_session(token, request.client_address)
    if tenant is not None:
        found = await callers.tenant(caller, tenant)
        here = caller.within(found.organization_id)
    here.require(*right.split())
    return Visitor(caller, here)
