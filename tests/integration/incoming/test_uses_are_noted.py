"""Routes and endpoints say when they were used last: by the hour, whatever came of it."""

from __future__ import annotations

from chalicelib.adapters.scripted.resolver import ScriptedResolver
from chalicelib.domain.model import Status
from chalicelib.domain.tenancy.routes import Route, RouteMode
from chalicelib.services.incoming.endpoints import Endpoints
from chalicelib.services.incoming.routes import Routes
from chalicelib.services.tenancy.last_use import USE_SECONDS
from tests.incoming_mail import add_route
from tests.incoming_play import arrives, carried, smtp_route
from tests.worlds import Scene, make_scene


async def used(scene: Scene, route: Route) -> list[int | None]:
    found = await scene.posthorn[Routes].get(scene.server, route.id)
    endpoints = await scene.posthorn[Endpoints].of(scene.server)
    return [found.last_used_at, *(one.last_used_at for one in endpoints)]


async def test_a_delivery_is_a_use_of_both() -> None:
    scene = await make_scene()
    scene.posthorn[ScriptedResolver].zone["in.customer.example"] = {"A": ["93.184.216.34"]}
    route = await smtp_route(scene)
    assert await used(scene, route) == [None, None]
    first = int(scene.clock.now())
    assert (await carried(scene, await arrives(scene, route))).status is Status.SENT
    assert await used(scene, route) == [first, first]
    scene.clock.advance(USE_SECONDS - 1)
    await carried(scene, await arrives(scene, route))
    assert await used(scene, route) == [first, first]
    scene.clock.advance(1)
    await carried(scene, await arrives(scene, route))
    assert await used(scene, route) == [first + USE_SECONDS] * 2


async def test_a_route_without_an_endpoint_is_used_too() -> None:
    scene = await make_scene()
    route = await add_route(scene, mode=RouteMode.ACCEPT)
    assert (await carried(scene, await arrives(scene, route))).status is Status.PROCESSED
    assert await used(scene, route) == [int(scene.clock.now())]
