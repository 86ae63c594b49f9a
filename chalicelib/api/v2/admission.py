"""Who is let in to an operation of API v2, and in which tenant it acts: the checks before a request is read.

They come in the order of api.md 1.2: size, credential, its networks, the proof that a page of ours asks, tenant, second
factor, scope of the route, suspension.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from chalicelib.api.browsers import check_csrf, session_token
from chalicelib.api.http import HttpRequest, MailProgram
from chalicelib.api.v2.problems import ContentTooLarge
from chalicelib.config import Settings
from chalicelib.domain.errors import NotFound, Refused, Unauthenticated
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.domain.tenancy.servers import Server
from chalicelib.services.tenancy.authenticate import Principal
from chalicelib.services.tenancy.caller import Caller, Tenant, TenantRequired
from chalicelib.services.tenancy.callers import Callers
from chalicelib.services.tenancy.visits import Visits

if TYPE_CHECKING:
    from chalicelib.api.v2.route import Route

LARGEST_SMALL_BODY = 262_144
TENANT_HEADER = "posthorn-tenant"
SENDING = "emails:send"
# What people call things by, ids and permalinks among it: nothing longer is there.
LONGEST_VALUE = 255


class SecondFactorMissing(Refused):
    """The organization requires a second factor that the person has not set up."""

    code = "second_factor_missing"


class ServerSuspended(Refused):
    """The server, or its organization, is suspended."""

    code = "server_suspended"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose caller is known, and the tenant that it acts in, if its route has one. `fields` are header fields
    that its answer has, whatever it is."""

    program: MailProgram
    request: HttpRequest
    route: Route
    caller: Caller
    tenant: Tenant | None = None
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def acts_in(self) -> Tenant:
        """The tenant of a route that has one."""
        if self.tenant is None:
            raise TypeError("this route has no tenant")
        return self.tenant

    @property
    def server(self) -> Server:
        """The server of a route that acts in one."""
        server = self.acts_in.server
        if server is None:
            raise TenantRequired("The header Posthorn-Tenant must name a server here")
        return server

    @property
    def principal(self) -> Principal:
        """As whom the caller sends."""
        return self.caller.sender(self.server)

    def value(self, name: str) -> str:
        """A variable part of the path, decoded. NotFound for one that nothing is called by."""
        return _fitting(self.request.path_values[name])


async def admitted(
    program: MailProgram, route: Route, request: HttpRequest, caller: Caller | None = None
) -> Call:
    """The call of a request, of a caller who is known already or shows a key. Raises what its checks find, in their
    order."""
    if len(request.body) > LARGEST_SMALL_BODY and not route.takes_large_bodies:
        raise ContentTooLarge(f"This takes at most {LARGEST_SMALL_BODY} bytes")
    callers = program[Callers]
    caller = caller or await _caller(program, callers, request)
    request.notes["key_id"] = caller.key.id
    tenant = await _tenant(callers, caller, route, request)
    if tenant is not None:
        caller = await in_tenant(program, caller, tenant, request)
    _check_rights(route, caller, tenant)
    server = caller.server or (None if tenant is None else tenant.server)
    sends = caller.server is not None or route.sends or SENDING in route.scope.split()
    if server is not None and server.is_suspended and sends:
        raise ServerSuspended("This server is suspended")
    return Call(program, request, route, caller, tenant)


async def _caller(program: MailProgram, callers: Callers, request: HttpRequest) -> Caller:
    """Who shows a key, or else has a session; the cookie is not read where there is a key."""
    settings, headers = program[Settings], request.headers
    keyless = not (headers.get("authorization") or headers.get("x-server-api-key"))
    token = session_token(headers, settings) if keyless else None
    if token is None:
        return await callers.by_key(_key(headers), request.client_address)
    caller = await callers.by_session(token, request.client_address)
    if caller.person is not None:
        check_csrf(request.method, headers, caller.person.csrf, settings)
    return caller


async def in_tenant(
    program: MailProgram, caller: Caller, tenant: Tenant, request: HttpRequest
) -> Caller:
    """The caller as they are in the tenant, and known to have been there. SecondFactorMissing."""
    if tenant.server is not None:
        request.notes["server_id"] = tenant.server.id
    if caller.person is None:
        return caller
    if not caller.person.has_second_factor and await program[Visits].needs_factor(tenant):
        raise SecondFactorMissing(f"{tenant.permalink} requires a second factor; set one up first")
    await program[Visits].note(caller, tenant, request.client_address, request.request_id)
    return caller.within(tenant.organization_id)


def _check_rights(route: Route, caller: Caller, tenant: Tenant | None) -> None:
    """Refused, ScopeMissing."""
    if route.of_people and caller.person is None:
        raise Refused("This is for people who have signed in, not for keys")
    if not (route.operators_too and INSTALLATION_WRITE in caller.scopes):
        of_installation = tenant is None and route.installation_scope
        caller.require(*(of_installation or route.scope).split())


def _fitting(value: str) -> str:
    found = unquote(value)
    if len(found) > LONGEST_VALUE:
        raise NotFound("There is nothing of this name")
    return found


def _key(headers: Mapping[str, str]) -> str:
    authorization = headers.get("authorization", "")
    scheme, _, key = authorization.partition(" ")
    if authorization:
        if scheme.lower() != "bearer" or not key.strip():
            raise Unauthenticated("The Authorization header must be `Bearer` and a key")
        return key.strip()
    if not (key := headers.get("x-server-api-key", "").strip()):
        raise Unauthenticated("An API key is required: Authorization: Bearer <key>")
    if key.startswith("phm_"):
        raise Unauthenticated("A management key is sent as Authorization: Bearer <key>")
    return key


async def _tenant(
    callers: Callers, caller: Caller, route: Route, request: HttpRequest
) -> Tenant | None:
    """The tenant that the path or the header names, as the route takes it."""
    if route.tenant == "path":
        return await _tenant_of_path(callers, caller, request.path_values)
    named = request.headers.get(TENANT_HEADER)
    absent = named is None and caller.is_of_installation
    if route.tenant == "none" or (route.tenant == "either" and absent):
        return None
    if named is not None and "," in named:
        raise TenantRequired("Posthorn-Tenant must be there once")
    tenant = await callers.tenant(caller, named)
    if route.tenant == "server" and tenant.server is None:
        raise TenantRequired("The header Posthorn-Tenant must name a server here")
    return tenant


async def _tenant_of_path(
    callers: Callers, caller: Caller, values: Mapping[str, str]
) -> Tenant | None:
    named = [_fitting(values[name]) for name in ("organization", "server") if name in values]
    if len(named) == 2:
        return Tenant.of(await callers.server(caller, *named))
    found = await callers.organization(caller, *named)
    return Tenant(found.id, found.permalink)
