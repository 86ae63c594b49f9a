"""Credentials of a server with API v2 (api.md 2.7)."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, Field, StrictBool

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.confirmation import confirmed
from chalicelib.api.v2.fields import End, WrongText
from chalicelib.api.v2.grants import Networks, Scopes, check_given, check_scopes, future
from chalicelib.api.v2.limit_fields import (
    ALL_FIELDS,
    SendLimit,
    SendLimitAction,
    SendLimitDay,
    SendLimitMonth,
)
from chalicelib.api.v2.listing import page
from chalicelib.api.v2.objects import Answer, Body, ListAnswer, Moment, PageQuery
from chalicelib.api.v2.organizations import Name
from chalicelib.api.v2.patch import Patch
from chalicelib.api.v2.requests import invalid_at
from chalicelib.api.v2.route import route
from chalicelib.domain.errors import Conflict, Refused, Taken, TooMany
from chalicelib.domain.tenancy import credentials as tenancy
from chalicelib.domain.tenancy.credentials import BareNewlines, CredentialKind
from chalicelib.domain.tenancy.networks import network_of
from chalicelib.domain.tenancy.scopes import INSTALLATION_WRITE, OF_A_SERVER_KEY, Reach
from chalicelib.domain.tenancy.send_limits import LimitAction
from chalicelib.ports.clock import Clock
from chalicelib.services.tenancy.credentials import CredentialOptions, Credentials

DAY = 86_400
# What no credential changes of itself (api.md 1.3).
OF_OTHERS = ALL_FIELDS | {"networks", "expires_at", "hold"}
IPV4 = 0xFFFF  # what mapped addresses begin with, in front of their 32 bits
# By what was used longest ago (contract section 1.4).
_USAGE = ((365 * DAY, "Inactive"), (182 * DAY, "Dormant"), (30 * DAY, "Quiet"), (0, "Active"))


def _narrow(text: str) -> str:
    """Nobody can prove whose a network is, so that a wide one would let strangers in."""
    found = network_of(text)
    if found is None:
        raise WrongText("network", "is no network in CIDR notation")
    first, length = found
    is_old = first >> 32 == IPV4 and length >= 96
    holds_all_old = length < 96 and first >> (128 - length) == IPV4 << 32 >> (128 - length)
    if holds_all_old or length < (96 + 24 if is_old else 48):
        raise WrongText("network", "may be a /24 or, of IPv6, a /48 at most")
    return text


class Credential(Answer):
    """What lets clients of a server in. Its key is shown once, when it is made."""

    id: str
    kind: CredentialKind
    name: str
    hint: Annotated[str | None, Field(description="The last four characters of the key.")]
    network: Annotated[str | None, Field(description="SMTP-IP: its network.")]
    networks: Annotated[list[str], Field(description="From where alone the key may be used.")]
    scopes: Annotated[list[str], Field(description="API: what the key may do.")]
    hold: Annotated[bool, Field(description="All mail that comes with it is held.")]
    cram: Annotated[bool, Field(description="SMTP: it can be used with CRAM-MD5.")]
    bare_newlines: BareNewlines
    send_limit: int | None
    send_limit_day: int | None
    send_limit_month: int | None
    send_limit_action: LimitAction
    expires_at: Moment | None
    created_at: Moment
    last_used_at: Moment | None
    last_used_address: str | None
    usage: Annotated[
        str, Field(description="`Unused`, `Inactive`, `Dormant`, `Quiet` or `Active`.")
    ]


class CredentialMade(Credential):
    """A credential that was just made."""

    key: Annotated[str | None, Field(description="Shown here alone; SMTP-IP has none.")]


class CredentialToMake(Body):
    """A new credential."""

    kind: CredentialKind
    name: Name
    hold: StrictBool = False
    cram: Annotated[StrictBool, Field(description="SMTP alone.")] = False
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    network: Annotated[
        Annotated[str, AfterValidator(_narrow)] | None,
        Field(description="SMTP-IP: CIDR, a /24 or /48 at most; set by operators."),
    ] = None
    networks: Networks = Field([])
    scopes: Scopes = Field(list(OF_A_SERVER_KEY), description="API alone.")
    expires_at: End | None = None
    send_limit: SendLimit = None
    send_limit_day: SendLimitDay = None
    send_limit_month: SendLimitMonth = None
    send_limit_action: SendLimitAction = LimitAction.HOLD
    key: Annotated[
        str | None,
        Field(min_length=20, max_length=100, description="An existing key, to be kept."),
    ] = None


class CredentialToChange(Patch):
    """What may be changed of it."""

    needed = frozenset({"name"})

    name: Name | None = None
    hold: StrictBool = False
    bare_newlines: BareNewlines = BareNewlines.REFUSE
    networks: Networks = Field([])
    expires_at: End | None = None
    send_limit: SendLimit = None
    send_limit_day: SendLimitDay = None
    send_limit_month: SendLimitMonth = None
    send_limit_action: SendLimitAction = LimitAction.HOLD


class CredentialPage(ListAnswer):
    """Credentials, newest first."""

    data: list[Credential]


async def list_credentials(call: Call, query: PageQuery) -> CredentialPage:
    """List the credentials of the server, newest first."""
    found = await call.program[Credentials].of(call.server)
    newest = sorted(found, key=_position, reverse=True)
    told = await page(call, query, newest, _position, lambda one: _shown(call, one))
    return CredentialPage(**told)


async def create_credential(call: Call, wanted: CredentialToMake) -> CredentialMade:
    """Make a credential. Its key is in this answer alone."""
    if wanted.kind is CredentialKind.SMTP_IP:
        call.caller.require(INSTALLATION_WRITE)
        _only(wanted, "networks", "key")
    if wanted.kind is not CredentialKind.API:
        _only(wanted, "scopes")
    check_scopes(wanted.scopes, Reach.SERVER)
    options = CredentialOptions(
        hold=wanted.hold,
        cram=wanted.cram,
        bare_newlines=wanted.bare_newlines,
        network=wanted.network,
        networks=tuple(wanted.networks),
        expires_at=future(call, wanted.expires_at),
        scopes=tuple(wanted.scopes),
        **wanted.model_dump(include=set(ALL_FIELDS)),
    )
    is_api = wanted.kind is CredentialKind.API
    given = options.scopes if is_api else ("emails:send",)
    own = (wanted.network,) if wanted.network else options.networks
    call.caller.may_give(given, Reach.SERVER, own, options.expires_at)
    call.caller.may_give_hold(hold=wanted.hold)
    call.caller.may_give_content(given)
    credentials = call.program[Credentials]
    if wanted.key is None:
        made, key = await credentials.create(call.server, wanted.kind, wanted.name, options)
        shown = None if wanted.kind is CredentialKind.SMTP_IP else key
        return CredentialMade(**_shown(call, made), key=shown)
    try:
        made = await credentials.import_key(
            call.server, wanted.kind, wanted.name, wanted.key, options
        )
    except TooMany:
        raise
    except Conflict as known:
        raise Taken("key", "This key is known already") from known
    return CredentialMade(**_shown(call, made), key=wanted.key)


async def show_credential(call: Call) -> Credential:
    """Show a credential."""
    return Credential(**_shown(call, await _named(call)))


async def change_credential(call: Call, change: CredentialToChange) -> Credential:
    """Change a credential."""
    credential, given = await _named(call), change.given()
    if credential.id == call.caller.key.id and given.keys() & OF_OTHERS:
        raise Refused("A key does not change its own networks, end, hold and send limits")
    if "networks" in given and credential.kind is CredentialKind.SMTP_IP:
        raise invalid_at("/networks", "not_for_kind", f"is not for {credential.kind.value}")
    check_given(call, given)
    call.caller.may_give_hold(hold=given.get("hold", True))
    if given:
        credential = await call.program[Credentials].update(credential, **given)
    return Credential(**_shown(call, credential))


async def revoke_credential(call: Call) -> None:
    """Revoke a credential: it works no longer, within 30 seconds everywhere."""
    await call.program[Credentials].revoke(call.server, (await _named(call)).id)


async def _named(call: Call) -> tenancy.Credential:
    return await call.program[Credentials].get(call.server, call.value("id"))


def _only(wanted: CredentialToMake, *fields: str) -> None:
    for field in fields:
        if field in wanted.model_fields_set:
            raise invalid_at(f"/{field}", "not_for_kind", f"is not for {wanted.kind.value}")


def _shown(call: Call, credential: tenancy.Credential) -> dict[str, Any]:
    is_api = credential.kind is CredentialKind.API
    return {
        "id": credential.id,
        "kind": credential.kind,
        "name": credential.name,
        "hint": credential.hint or None,
        "network": credential.network,
        "networks": list(credential.networks),
        "scopes": list(credential.scopes) if is_api else [],
        "hold": credential.hold,
        "cram": credential.sealed_key is not None,
        "bare_newlines": credential.bare_newlines,
        **{name: getattr(credential, name) for name in sorted(ALL_FIELDS)},
        "expires_at": credential.expires_at,
        "created_at": credential.created_at,
        "last_used_at": credential.last_used_at,
        "last_used_address": credential.last_used_address,
        "usage": usage_of(credential.last_used_at, call.program[Clock].now()),
    }


def usage_of(used_at: int | None, now: float) -> str:
    """How recently a credential was used, in the words of contract section 1.4."""
    if used_at is None:
        return "Unused"
    return next(word for seconds, word in _USAGE if now - used_at > seconds or seconds == 0)


def _position(credential: tenancy.Credential) -> str:
    return f"{credential.created_at:012d} {credential.id}"


_READ: dict[str, Any] = {"scope": "servers:read"}
_WRITE: dict[str, Any] = {"scope": "servers:write"}
_ONE = "/credentials/{id}"
ROUTES = (
    route("GET /credentials", list_credentials, CredentialPage, query=PageQuery, **_READ),
    route(
        "POST /credentials",
        create_credential,
        CredentialMade,
        status=201,
        body=CredentialToMake,
        before=confirmed,
        location=_ONE,
        shows_secret=True,
        **_WRITE,
    ),
    route(f"GET {_ONE}", show_credential, Credential, **_READ),
    route(f"PATCH {_ONE}", change_credential, Credential, body=CredentialToChange, **_WRITE),
    route(f"DELETE {_ONE}", revoke_credential, None, status=204, **_WRITE),
)
