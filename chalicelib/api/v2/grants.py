"""What keys are given: scopes, networks and an end, as requests name them (api.md 1.3)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from chalicelib.api.v2.admission import Call
from chalicelib.api.v2.fields import WrongText
from chalicelib.api.v2.requests import invalid_at
from chalicelib.domain.tenancy.networks import network_of
from chalicelib.domain.tenancy.scopes import EVERYTHING, SCOPES, Reach, within
from chalicelib.ports.clock import Clock

MOST_NETWORKS = 20


def _scope(text: str) -> str:
    if text != EVERYTHING and text not in SCOPES:
        raise WrongText("scope", "is no scope")
    return text


def _network(text: str) -> str:
    if network_of(text) is None:
        raise WrongText("network", "is no network in CIDR notation")
    return text.strip()


Scope = Annotated[str, AfterValidator(_scope), Field(examples=["domains:write"])]
Scopes = Annotated[list[Scope], Field(min_length=1, max_length=100)]
Network = Annotated[str, AfterValidator(_network), Field(examples=["192.0.2.0/24"])]
Networks = Annotated[
    list[Network], Field(max_length=MOST_NETWORKS, description="None: from everywhere.")
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
        raise invalid_at("/expires_at", "past", "must be in the future")
    return seconds


_OWNERS = {
    Reach.SERVER: "a server",
    Reach.ORGANIZATION: "an organization",
    Reach.INSTALLATION: "the installation",
}
