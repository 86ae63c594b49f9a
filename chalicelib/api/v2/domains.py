"""Sending domains with API v2 (api.md 2.6)."""

from __future__ import annotations

from typing import Any

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.domain_models import (
    Domain,
    DomainPage,
    DomainToChange,
    DomainToMake,
    Verification,
    domain_shown,
)
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import PageQuery
from chalicelib.api.v2.rates import count
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Conflict
from chalicelib.domain.rates import RESET
from chalicelib.domain.tenancy import domains as tenancy
from chalicelib.domain.tenancy.domain_states import DomainState
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE
from chalicelib.services.domain_codes import DomainCodes
from chalicelib.services.tenancy.callers import Callers
from chalicelib.services.tenancy.domain_checks import DomainChecks
from chalicelib.services.tenancy.domain_states import DomainStates
from chalicelib.services.tenancy.domains import Domains, Owner

LARGEST_PAGE = 4_500_000  # bytes
OF_THE_ORGANIZATION = (
    "This is a domain of the organization: name the organization alone in Posthorn-Tenant"
)
# What only an operator of the installation may set.
OF_OPERATORS = frozenset({"use_for_any"})


async def list_domains(call: Call, query: PageQuery) -> DomainPage:
    """List the domains of a server and its organization, or of the organization, newest first."""
    known = await call.program[Domains].known_to(await _owner(call))
    newest = sorted(known, key=_position, reverse=True)
    told = await page(call, query, newest, _position, lambda one: one)
    states = await call.program[DomainStates].of_each(told["data"])
    shown = [_shown(call, one, state) for one, state in zip(told["data"], states, strict=True)]
    fitting = _fitting(shown)
    if len(fitting) < len(shown):
        shorter = query.model_copy(update={"limit": len(fitting)})
        told = await page(call, shorter, newest, _position, lambda one: one)
    return DomainPage(**told | {"data": fitting})


async def create_domain(call: Call, wanted: DomainToMake) -> Domain:
    """Add a domain: its keys are made, its records are to be published."""
    _check_operator(call, wanted.model_fields_set)
    _check_reach(call)
    made = await call.program[Domains].add(
        await _owner(call),
        wanted.name,
        method=wanted.verification_method,
        use_for_any=wanted.use_for_any,
        incoming=wanted.incoming,
    )
    return _shown(call, made, DomainState.of(made))


async def show_domain(call: Call) -> Domain:
    """Show a domain: a server's own comes before its organization's."""
    return await _with_state(call, await _known(call))


async def change_domain(call: Call, change: DomainToChange) -> Domain:
    """Change a domain."""
    given: dict[str, Any] = change.given()
    _check_operator(call, given)
    if not given or given.keys() - OF_OPERATORS:
        call.caller.require("domains:write")
    domain = await _to_change(call)
    if given:
        domain = await call.program[Domains].change(domain, **given)
    return await _with_state(call, domain)


async def remove_domain(call: Call) -> None:
    """Remove a domain and its keys: mail from it is refused, within 30 seconds everywhere."""
    await call.program[Domains].remove(await _to_change(call))


async def check_domain(call: Call) -> Domain:
    """Look at what is published in DNS now, and remember it."""
    checked = await call.program[DomainChecks].check(await _known(call))
    return _shown(call, checked.domain, checked.state)


async def verify_domain(call: Call, proof: Verification) -> Domain:
    """Mail a code to the owner of a domain, or verify the domain by the code that was mailed."""
    if proof.code is None and proof.send_to is None:
        raise invalid_at("/code", "required", "either code or send_to must be given")
    if proof.code is not None and proof.send_to is not None:
        raise invalid_at("/code", "not_both", "code and send_to cannot be given together")
    domain = await _to_change(call)
    if proof.send_to is not None:
        if domain.verified_at is None:
            await count(call, RESET, proof.send_to.strip())
        await call.program[DomainCodes].send(domain, proof.send_to)
    elif proof.code is not None:
        domain = await call.program[DomainCodes].verify(domain, proof.code)
    return await _with_state(call, domain)


async def trust_domain(call: Call) -> Domain:
    """Take a domain as verified and its records as published, without looking."""
    domain = await call.program[Domains].trust(await _to_change(call))
    return await _with_state(call, domain)


async def rotate_domain(call: Call) -> Domain:
    """Make the next keys of a domain: they sign once a check finds both of their records."""
    domain = await call.program[Domains].rotate(await _to_change(call))
    return await _with_state(call, domain)


async def _owner(call: Call) -> Owner:
    """Whose domains the request is about: the server that was named, or the organization."""
    tenant = call.acts_in
    if tenant.server is not None:
        return tenant.server
    return await call.program[Callers].organization(call.caller, tenant.permalink)


async def _known(call: Call) -> tenancy.Domain:
    return await call.program[Domains].find_known(await _owner(call), call.value("name"))


async def _to_change(call: Call) -> tenancy.Domain:
    """The domain that the path names, if the tenant that was named may change it."""
    domain = await _known(call)
    _check_reach(call)
    if domain.server_id is None and call.acts_in.server is not None:
        raise Conflict(OF_THE_ORGANIZATION)
    return domain


def _check_reach(call: Call) -> None:
    if call.acts_in.server is None:
        call.caller.require_whole_organization()


def _check_operator(call: Call, given: Any) -> None:
    if OF_OPERATORS.intersection(given):
        call.caller.require(INSTALLATION_WRITE)


def _shown(call: Call, domain: tenancy.Domain, state: DomainState) -> Domain:
    return domain_shown(domain, state, call.program[Domains].records(domain))


async def _with_state(call: Call, domain: tenancy.Domain) -> Domain:
    return _shown(call, domain, await call.program[DomainStates].of(domain))


def _fitting(shown: list[Domain]) -> list[Domain]:
    """As many as a page has room for, one at least."""
    left = LARGEST_PAGE
    for number, one in enumerate(shown):
        left -= len(one.model_dump_json().encode())
        if left < 0:
            return shown[: max(number, 1)]
    return shown


def _position(domain: tenancy.Domain) -> str:
    return f"{domain.created_at:012d} {domain.name} {domain.server_id or 0}"


_READ: dict[str, Any] = {"tenant": "organization", "scope": "domains:read"}
_WRITE: dict[str, Any] = {"tenant": "organization", "scope": "domains:write"}
_ONE = "/domains/{name}"
ROUTES = (
    route("GET /domains", list_domains, DomainPage, query=PageQuery, **_READ),
    route(
        "POST /domains",
        create_domain,
        Domain,
        status=201,
        body=DomainToMake,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_domain, Domain, **_READ),
    route(
        f"PATCH {_ONE}", change_domain, Domain, body=DomainToChange, operators_too=True, **_WRITE
    ),
    route(
        f"DELETE {_ONE}",
        remove_domain,
        None,
        status=204,
        note="While routes of its owner name it, it stays.",
        **_WRITE,
    ),
    route(f"POST {_ONE}/check", check_domain, Domain, rate="dns", **_READ),
    route(
        f"POST {_ONE}/verify",
        verify_domain,
        Domain,
        body=Verification,
        note=f"At most {RESET.quota} codes in {RESET.seconds:,} seconds are mailed to an address.",
        **_WRITE,
    ),
    route(
        f"POST {_ONE}/trust",
        trust_domain,
        Domain,
        tenant="organization",
        scope=INSTALLATION_WRITE,
    ),
    route(f"POST {_ONE}/rotate", rotate_domain, Domain, **_WRITE),
)
