"""Management keys with API v2 (api.md 2.4): of an organization, or without a tenant of the installation."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.fields import End
from chalicelib.api.v2.grants import Networks, Scopes, check_given, check_scopes, future
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Refused
from chalicelib.domain.numbering import OrganizationId, ServerId
from chalicelib.domain.tenancy import management_keys as tenancy
from chalicelib.domain.tenancy.scopes import (
    INSTALLATION_WRITE,
    Reach,
)
from chalicelib.services.tenancy.management_keys import KeyOptions, ManagementKeys
from chalicelib.services.tenancy.organizations import Organizations
from chalicelib.services.tenancy.servers import Servers


class ManagementKey(Answer):
    """A key for whoever manages. The key itself is shown once, when it is made."""

    id: str
    name: str
    organization: Annotated[str | None, Field(description="Null: a key of the installation.")]
    servers: Annotated[list[str] | None, Field(description="Permalinks; null: all servers.")]
    scopes: list[str]
    networks: list[str]
    expires_at: Moment | None
    hint: Annotated[str, Field(description="The last four characters.")]
    created_by: str
    created_at: Moment
    last_used_at: Moment | None


class ManagementKeyMade(ManagementKey):
    """A key that was just made."""

    key: Annotated[str, Field(description="Shown here alone.")]


class ManagementKeyToMake(Body):
    """A new key."""

    name: Name
    scopes: Scopes
    servers: Annotated[list[str] | None, Field(max_length=500)] = None
    networks: Networks = Field([])
    expires_at: End | None = None


class ManagementKeyToChange(Patch):
    """What may be changed of it."""

    needed = frozenset({"name"})

    name: Name | None = None
    networks: Networks = Field([])
    expires_at: End | None = None


class ManagementKeyPage(ListAnswer):
    """Keys, newest first."""

    data: list[ManagementKey]


async def list_keys(call: Call, query: PageQuery) -> ManagementKeyPage:
    """List the management keys of the tenant, newest first."""
    keys = await call.program[ManagementKeys].of(_organization(call))
    names = await _server_names(call)
    found = await page(call, query, keys, _position, lambda one: _shown(call, one, names))
    return ManagementKeyPage(**found)


async def create_key(call: Call, wanted: ManagementKeyToMake) -> ManagementKeyMade:
    """Make a management key with what this one has at most."""
    organization, names = _organization(call), await _server_names(call)
    ends = future(call, wanted.expires_at)
    call.caller.may_give_content(wanted.scopes)
    limit = await _limit(call, wanted, names)
    options = KeyOptions(tuple(wanted.scopes), limit, tuple(wanted.networks), ends)
    maker = call.caller.key.name
    made, text = await call.program[ManagementKeys].create(
        organization, wanted.name, options, maker
    )
    return ManagementKeyMade(**_shown(call, made, names), key=text)


async def show_key(call: Call) -> ManagementKey:
    """Show a management key."""
    return ManagementKey(**_shown(call, await _named(call), await _server_names(call)))


async def change_key(call: Call, change: ManagementKeyToChange) -> ManagementKey:
    """Change name, networks or end of a management key."""
    key, given = await _to_change(call), change.given()
    if key.id == call.caller.key.id and given.keys() & {"networks", "expires_at"}:
        raise Refused("A key does not change its own networks and end")
    check_given(call, given)
    if given:
        key = await call.program[ManagementKeys].update(key, **given)
    return ManagementKey(**_shown(call, key, await _server_names(call)))


async def revoke_key(call: Call) -> None:
    """Revoke a management key."""
    await call.program[ManagementKeys].revoke(await _to_change(call))


async def _before_making(call: Call, wanted: ManagementKeyToMake) -> None:
    """What the caller may not give, and then that it is really them."""
    reach = Reach.INSTALLATION if _organization(call) is None else Reach.ORGANIZATION
    check_scopes(wanted.scopes, reach)
    ends = None if wanted.expires_at is None else int(wanted.expires_at.timestamp())
    call.caller.may_give(wanted.scopes, reach, tuple(wanted.networks), ends)
    await confirmed(call)


def _organization(call: Call) -> OrganizationId | None:
    """Whose keys: the tenant's, or the installation's for a key of it."""
    return None if call.tenant is None else call.tenant.organization_id


async def _to_change(call: Call) -> tenancy.ManagementKey:
    call.caller.require_whole_organization()
    return await _named(call)


async def _named(call: Call) -> tenancy.ManagementKey:
    return await call.program[ManagementKeys].get(_organization(call), call.value("id"))


async def _server_names(call: Call) -> dict[ServerId, str]:
    """The permalinks of the tenant's servers by their numbers."""
    if call.tenant is None:
        return {}
    owner = await call.program[Organizations].get(call.tenant.permalink)
    return {one.id: one.permalink for one in await call.program[Servers].of(owner)}


async def _limit(
    call: Call, wanted: ManagementKeyToMake, names: dict[ServerId, str]
) -> tuple[ServerId, ...] | None:
    """The servers that a new key is limited to. One that is limited itself gives no more."""
    own = call.caller.servers
    if wanted.servers is None:
        if own is not None:
            raise Refused("This key is limited to some servers and gives no more")
        return None
    numbers = {name: number for number, name in names.items()}
    for place, name in enumerate(wanted.servers):
        if name not in numbers or (own is not None and numbers[name] not in own):
            detail = "there is no such server here"
            raise invalid_at(f"/servers/{place}", "unknown_reference", detail)
    return tuple(dict.fromkeys(numbers[name] for name in wanted.servers))


def _shown(call: Call, key: tenancy.ManagementKey, names: dict[ServerId, str]) -> dict[str, Any]:
    limited = None if key.servers is None else [names[one] for one in key.servers if one in names]
    return {
        "id": key.id,
        "name": key.name,
        "organization": call.tenant.permalink if call.tenant is not None else None,
        "servers": limited,
        "scopes": list(key.scopes),
        "networks": list(key.networks),
        "expires_at": key.expires_at,
        "hint": key.hint,
        "created_by": key.created_by,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
    }


def _position(key: tenancy.ManagementKey) -> str:
    return f"{key.created_at:012d} {key.id}"


_KEYS: dict[str, Any] = {"tenant": "either"}
_READ = _KEYS | {"scope": "people:read", "installation_scope": "installation:read"}
_WRITE = _KEYS | {"scope": "people:write", "installation_scope": INSTALLATION_WRITE}
ROUTES = (
    route("GET /keys", list_keys, ManagementKeyPage, query=PageQuery, **_READ),
    route(
        "POST /keys",
        create_key,
        ManagementKeyMade,
        status=201,
        body=ManagementKeyToMake,
        before=_before_making,
        location="/keys/{id}",
        shows_secret=True,
        **_WRITE,
    ),
    route("GET /keys/{id}", show_key, ManagementKey, **_READ),
    route("PATCH /keys/{id}", change_key, ManagementKey, body=ManagementKeyToChange, **_WRITE),
    route("DELETE /keys/{id}", revoke_key, None, status=204, **_WRITE),
)
