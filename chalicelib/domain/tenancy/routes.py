"""Routes: which mail for a domain goes where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.entity import Entity, LookUp, Place
from chalicelib.domain.tenancy.owners import (
    ALL_ROUTE_TOKENS,
    of_return_path_route,
    of_route_domain,
    of_server,
)

RETURN_PATH = "__returnpath__"


class RouteMode(StrEnum):
    """Contract section 1.7."""

    ENDPOINT = "Endpoint"
    ACCEPT = "Accept"
    HOLD = "Hold"
    BOUNCE = "Bounce"
    REJECT = "Reject"


class SpamMode(StrEnum):
    """What becomes of spam (contract section 1.7)."""

    MARK = "Mark"
    QUARANTINE = "Quarantine"
    FAIL = "Fail"


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a message: a field (`from`, `subject`, `header:Name`) that a pattern matches (api.md 2.9)."""

    field: str
    matches: str


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a server (contract section 1.7, api.md 2.9). `name` is a local part, a pattern of one with `*`, or
    RETURN_PATH, whose `domain` is empty. `number` rises from route to route."""

    id: str
    server_id: ServerId
    uuid: str
    number: int
    name: str
    domain: str
    token: str
    created_at: int
    mode: RouteMode = RouteMode.ENDPOINT
    endpoint: str | None = None
    additional_endpoints: tuple[str, ...] = ()
    spam_mode: SpamMode = SpamMode.MARK
    priority: int = 100
    conditions: tuple[Condition, ...] = ()
    last_used_at: int | None = None

    @property
    def is_return_path(self) -> bool:
        """Whether it takes what comes to the server's return path."""
        return self.name == RETURN_PATH

    @property
    def address(self) -> str:
        """What it takes mail for; its name alone where it has no domain."""
        return f"{self.name}@{self.domain}" if self.domain else self.name

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The ids of all endpoints that it sends to, its own first."""
        return (self.endpoint, *self.additional_endpoints) if self.endpoint else ()


def _of_domain(route: Route) -> Place | None:
    """All routes of a domain are together, so that one query finds those that may take a recipient."""
    if route.is_return_path:
        return None
    return Place(of_route_domain(route.domain), f"{route.priority:04d} {route.name}")


def _of_return_path(route: Route) -> Place | None:
    return Place(of_return_path_route(route.server_id)) if route.is_return_path else None


BY_ROUTE_DOMAIN: LookUp[Route] = LookUp("R", _of_domain)
# Letter case tells no two tokens apart: ours have none, those of Postal have.
BY_TOKEN: LookUp[Route] = LookUp("R", lambda one: Place(ALL_ROUTE_TOKENS, one.token.lower()))
BY_RETURN_PATH: LookUp[Route] = LookUp("R", _of_return_path)
ROUTES = Entity(
    Route,
    "route",
    place=lambda one: Place(of_server(one.server_id), one.id),
    code="R",
    look_ups=(BY_ROUTE_DOMAIN, BY_TOKEN, BY_RETURN_PATH),
    filters=("mode",),
    texts=("name", "domain"),
    audited="route",
)
