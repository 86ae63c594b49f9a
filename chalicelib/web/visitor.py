"""Who looks at a page, by the cookie of their session, narrowed to the tenant that the path names."""

from __future__ import annotations

from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.domain.errors import Unauthenticated
from chalicelib.services.tenancy.callers import Caller


async def visitor(
    program: MailProgram, request: HttpRequest, token: str, tenant: str | None, right: str
) -> Caller:
    """The caller in the tenant. Unauthenticated; NotFound for a tenant they do not reach; ScopeMissing."""
    raise Unauthenticated("Sign in")
