"""What keys are given: scopes, networks and an end, as requests name them (api.md 1.3)."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import PAST, WrongText
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES, Reach, within
from chalicelib.ports.clock import Clock

MOST_NETWORKS = 20


def _scope(text: str) -> str:
    if text != EVERYTHING and text not in SCOPES:
        raise WrongText("scope", "is no scope")
    return text


def _network(text: str) -> str:
    """In its canonical form."""
    try:
        if "%" in text:  # an address of one machine's interface
            raise ValueError
        return str(ip_network(text.strip(), strict=False))
    except ValueError:
        raise WrongText("network", "is no network in CIDR notation") from None


def _once_each(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


Scope = Annotated[str, AfterValidator(_scope), Field(examples=["domains:write"])]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=100), AfterValidator(_once_each)]
Network = Annotated[str, AfterValidator(_network), Field(examples=["192.0.2.0/24"])]
Networks = Annotated[
    list[Network],
    Field(max_length=MOST_NETWORKS, description="None: from everywhere."),
    AfterValidator(_once_each),
]


def check_scopes(scopes: list[str], reach: Reach) -> None:
    """InvalidRequest for a scope that no key of this reach has."""
    for number, scope in enumerate(scopes):
        if scope != EVERYTHING and scope not in within(reach):
            detail = f"a key of {_OWNERS[reach]} cannot have it"
            raise invalid_at(f"/scopes/{number}", "scope", detail)


def future(call: Call, moment: datetime | None) -> int | None:
    """The epoch second of `expires_at`; InvalidRequest when that has passed."""
    if moment is None:
        return None
    seconds = int(moment.timestamp())
    if seconds <= call.program[Clock].now():
        raise invalid_at("/expires_at", "past", PAST)
    return seconds


def check_given(call: Call, given: dict[str, Any]) -> None:
    """Make networks and end of a change what is kept of them; Refused beyond the caller's own."""
    if "networks" in given:
        given["networks"] = tuple(given["networks"])
        call.caller.may_give_networks(given["networks"])
    if "expires_at" in given:
        given["expires_at"] = future(call, given["expires_at"])
        call.caller.may_give_end(given["expires_at"])


_OWNERS = {
    Reach.SERVER: "a server",
    Reach.ORGANIZATION: "an organization",
    Reach.INSTALLATION: "the installation",
}
