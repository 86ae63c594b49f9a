"""Pool rules with API v2 (api.md 2.20): by which pool mail leaves that is not to leave by its server's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import checked
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.tenancy import pool_rules as tenancy
from chalicelib.services.pools.assignment import PoolAssignment
from chalicelib.services.pools.rules import EMPTY, PoolRules, RuleOwner, checked_line
from chalicelib.services.tenancy.organizations import Organizations

MOST_LINES = 100
_LAST = 10**12 - 1
Line = Annotated[str, Field(min_length=1, max_length=255), checked(checked_line)]
Lines = Annotated[
    list[Line],
    Field(max_length=MOST_LINES, description="Addresses, without their tag, and domains."),
]
PoolName = Annotated[str, Field(max_length=32, description="One of the organization's.")]


class PoolRule(Answer):
    """A rule: it matches when one of its lines is an author's address or domain, or the recipient's."""

    id: str
    scope: Annotated[Literal["server", "organization"], Field(description="Whose rule it is.")]
    senders: Annotated[list[str], Field(alias="from")]
    to: list[str]
    pool: str
    created_at: Moment


class PoolRuleToMake(Body):
    """A new rule. One of its two lists is not empty."""

    senders: Lines = Field([], alias="from")
    to: Lines = Field([])
    pool: PoolName


class PoolRuleToChange(Patch):
    """What may be changed of it."""

    needed = frozenset({"pool"})

    senders: Lines = Field([], alias="from")
    to: Lines = Field([])
    pool: PoolName | None = None


class PoolRulePage(ListAnswer):
    """Pool rules, in the order in which they are asked."""

    data: list[PoolRule]


async def list_pool_rules(call: Call, query: PageQuery) -> PoolRulePage:
    """List the pool rules that act on the tenant's mail: a server's newest first, then its organization's."""
    found = await call.program[PoolRules].that_act_on(_owner(call))
    return PoolRulePage(**await page(call, query, found, _position, _shown, rising=True))


async def create_pool_rule(call: Call, wanted: PoolRuleToMake) -> PoolRule:
    """Make a pool rule: it is asked before the others, for mail that comes from now on."""
    owner = _owner_to_change(call)
    if not (wanted.senders or wanted.to):
        raise invalid_at("/from", "required", EMPTY)
    made = await call.program[PoolRules].create(
        owner, wanted.pool, wanted.senders, wanted.to, lambda: _check_pool(call, wanted.pool)
    )
    return _shown(made)


async def show_pool_rule(call: Call) -> PoolRule:
    """Show a pool rule of the tenant's own."""
    return _shown(await call.program[PoolRules].get(_owner(call), call.value("id")))


async def change_pool_rule(call: Call, change: PoolRuleToChange) -> PoolRule:
    """Change a pool rule; its place in the order stays."""
    owner, given = _owner_to_change(call), change.given()
    rule = await call.program[PoolRules].get(owner, call.value("id"))
    if given:
        given = {"from" if name == "senders" else name: one for name, one in given.items()}

        async def may_be() -> None:
            if "pool" in given:
                await _check_pool(call, given["pool"])

        rule = await call.program[PoolRules].change(owner, rule.id, given, may_be)
    return _shown(rule)


async def delete_pool_rule(call: Call) -> None:
    """Delete a pool rule; mail that was taken keeps its pool."""
    await call.program[PoolRules].remove(_owner_to_change(call), call.value("id"))


def _owner(call: Call) -> RuleOwner:
    server = call.acts_in.server
    return RuleOwner(call.acts_in.organization_id, None if server is None else server.id)


def _owner_to_change(call: Call) -> RuleOwner:
    owner = _owner(call)
    if owner.server_id is None:
        call.caller.require_whole_organization()
    return owner


async def _check_pool(call: Call, pool: str) -> None:
    organization = await call.program[Organizations].get(call.acts_in.permalink)
    await call.program[PoolAssignment].check(organization, pool)


def _position(rule: tenancy.PoolRule) -> str:
    return f"{int(rule.server_id is None)} {_LAST - rule.number:012d}"


def _shown(rule: tenancy.PoolRule) -> PoolRule:
    return PoolRule(
        id=rule.id,
        scope="organization" if rule.server_id is None else "server",
        senders=list(rule.senders),
        to=list(rule.recipients),
        pool=rule.pool,
        created_at=rule.created_at,  # type: ignore[arg-type]  # epoch seconds are a moment
    )


_READ: dict[str, Any] = {"tenant": "organization", "scope": "servers:read"}
_WRITE: dict[str, Any] = {"tenant": "organization", "scope": "servers:write"}
_ONE = "/pool-rules/{id}"
ROUTES = (
    route("GET /pool-rules", list_pool_rules, PoolRulePage, query=PageQuery, **_READ),
    route(
        "POST /pool-rules",
        create_pool_rule,
        PoolRule,
        status=201,
        body=PoolRuleToMake,
        location=_ONE,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_pool_rule, PoolRule, **_READ),
    route(f"PATCH {_ONE}", change_pool_rule, PoolRule, body=PoolRuleToChange, **_WRITE),
    route(f"DELETE {_ONE}", delete_pool_rule, None, status=204, **_WRITE),
)
