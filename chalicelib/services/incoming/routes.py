"""Routes as people make and change them: which mail for their domains goes where (contract section 1.7, api.md 2.9).

A name of a domain belongs to one server of the installation. Two organizations that take one in the same moment, with
different priorities, both have it. Which route takes a message is `chalicelib.domain.incoming.routing`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import (
    FieldError,
    InvalidRequest,
    Taken,
    TooMany,
    unknown_reference,
    wrong_field,
)
from chalicelib.domain.ids import random_letters, route_token
from chalicelib.domain.tenancy.endpoints import ENDPOINTS, EndpointType
from chalicelib.domain.tenancy.entity import Place
from chalicelib.domain.tenancy.owners import of_route_domain, of_server
from chalicelib.domain.tenancy.routes import BY_ROUTE_DOMAIN, RETURN_PATH, ROUTES, Route
from chalicelib.domain.tenancy.servers import SERVERS, Server
from chalicelib.domain.tenancy.uuids import new_uuid
from chalicelib.ports.clock import Clock
from chalicelib.ports.rand import Rand
from chalicelib.ports.repository import Guard, Repository
from chalicelib.services.incoming.route_fields import HTTP_ALONE, check_route, merged
from chalicelib.services.tenancy.directory import verified_domain

MOST_OF_A_SERVER = 1_000
ROUTE_ID_LETTERS = 12

Reaches = Callable[[Server], bool]
"""Whether whoever asks may know of a server."""


class Routes:
    """The routes of servers."""

    def __init__(self, repository: Repository, clock: Clock, rand: Rand) -> None:
        self._repository = repository
        self._clock = clock
        self._rand = rand

    async def create(self, server: Server, given: Mapping[str, Any], reaches: Reaches) -> Route:
        """A new route. InvalidRequest names what is wrong, a domain or endpoint that this server does not have among
        it; Taken for a name that this or another server has, TooMany when it has MOST_OF_A_SERVER."""
        bare = Route(
            id=random_letters(self._rand.bytes(32), ROUTE_ID_LETTERS),
            server_id=server.id,
            uuid=new_uuid(self._rand.bytes(16)),
            number=0,
            name="",
            domain="",
            token=route_token(self._rand.bytes(16)),
            created_at=int(self._clock.now()),
        )
        route = merged(bare, given)
        check_route(route, given)
        made = replace(route, number=await self._repository.next_number("route"))
        await self._repository.add(
            ROUTES, made, self._fits(server, lambda: made, reaches, adding=True)
        )
        return made

    async def of(self, server: Server) -> list[Route]:
        """The server's routes, by priority, then age."""
        found = await self._repository.all(ROUTES, of_server(server.id))
        return sorted(found, key=lambda each: (each.priority, each.number))

    async def get(self, server: Server, route: str) -> Route:
        """By id; NotFound."""
        return await self._repository.get(ROUTES, Place(of_server(server.id), route))

    async def change(
        self, server: Server, route: Route, given: Mapping[str, Any], reaches: Reaches
    ) -> Route:
        """Change fields of a route. Raises as `create` does."""
        after = route

        def changed(one: Route) -> Route:
            nonlocal after
            after = merged(one, given)
            check_route(after, given)
            return after

        guard = self._fits(server, lambda: after, reaches)
        return await self._repository.modify(ROUTES, ROUTES.place(route), changed, guard)

    async def remove(self, route: Route) -> None:
        """Forget a route: mail for it is refused, within 30 seconds everywhere."""
        await self._repository.remove(ROUTES, route)

    def _fits(
        self, server: Server, what: Callable[[], Route], reaches: Reaches, *, adding: bool = False
    ) -> Guard:
        """What a route names is there, and its own name is free."""

        async def check() -> None:
            route = what()
            await self._check_endpoints(route)
            if not route.is_return_path:
                await self._check_domain(server, route)
                await self._check_name(route, reaches)
            known = await self._repository.all(ROUTES, of_server(server.id))
            if route.is_return_path and any(
                one.is_return_path and one.id != route.id for one in known
            ):
                raise Taken("name", f"This server has a {RETURN_PATH} route already")
            if adding and len(known) >= MOST_OF_A_SERVER:
                raise TooMany(f"A server has at most {MOST_OF_A_SERVER} routes")

        return check

    async def _check_domain(self, server: Server, route: Route) -> None:
        if await verified_domain(self._repository, server, route.domain) is None:
            detail = f"{route.domain} is no verified domain of this server"
            raise unknown_reference("domain", detail)

    async def _check_endpoints(self, route: Route) -> None:
        places = {one: Place(of_server(route.server_id), one) for one in route.endpoints}
        found = await self._repository.get_many(ENDPOINTS, list(places.values()))
        pointers = ["/endpoint"]
        pointers += [f"/additional_endpoints/{at}" for at in range(len(places))]
        wrong = [
            FieldError(at, "unknown_reference", "There is no such endpoint")
            for at, one in zip(pointers, route.endpoints, strict=False)
            if places[one] not in found
        ]
        if wrong:
            raise InvalidRequest(wrong[0].detail, tuple(wrong))
        kind = found[places[route.endpoint]].type if route.endpoint else None
        if route.is_return_path and kind not in (None, EndpointType.HTTP):
            raise wrong_field("endpoint", HTTP_ALONE)

    async def _check_name(self, route: Route, reaches: Reaches) -> None:
        domain = of_route_domain(route.domain)
        for one in await self._repository.all(ROUTES, domain, BY_ROUTE_DOMAIN):
            if one.name != route.name or one.id == route.id:
                continue
            if one.server_id != route.server_id:
                whose = await self._named(one, reaches)
                raise Taken("name", f"{route.address} is configured on {whose} mail server")
            if one.priority == route.priority:
                detail = f"This server has a route {route.address} of this priority already"
                raise Taken("name", detail)

    async def _named(self, route: Route, reaches: Reaches) -> str:
        place = Place(of_server(route.server_id))
        server = (await self._repository.get_many(SERVERS, [place])).get(place)
        if server is None or not reaches(server):
            return "another"
        return f"the {server.full_name}"
