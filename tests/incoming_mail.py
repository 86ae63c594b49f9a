"""Routes of a scene's server, and mail that arrives there."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from chalicelib.domain.tenancy.endpoints import ENDPOINTS, Endpoint, EndpointType
from chalicelib.domain.tenancy.routes import ROUTES, Route
from chalicelib.domain.tenancy.servers import Server
from chalicelib.ports.repository import Repository
from tests.fakes import NOW
from tests.worlds import Scene

IDENTITY = "6f7a1f0e-1111-4222-8333-444455556666"


async def add_endpoint(scene: Scene, server: Server | None = None, **changes: Any) -> Endpoint:
    """An endpoint by HTTP."""
    one = secrets.token_hex(6)
    owner = (server or scene.server).id
    made = Endpoint(one, owner, IDENTITY, EndpointType.HTTP, f"app {one}", NOW)
    made = replace(made, **{"url": "https://app.test/in", **changes})
    await scene.posthorn[Repository].add(ENDPOINTS, made)
    return made


async def add_route(
    scene: Scene, name: str = "support", server: Server | None = None, **changes: Any
) -> Route:
    """A route of acme.test, of the scene's server or another, with an endpoint unless it is told its mode."""
    owner = server or scene.server
    if "mode" not in changes and "endpoint" not in changes:
        changes["endpoint"] = (await add_endpoint(scene, owner)).id
    number = await scene.posthorn[Repository].next_number("route")
    token = secrets.token_hex(4)
    made = Route(secrets.token_hex(6), owner.id, IDENTITY, number, name, "acme.test", token, NOW)
    made = replace(made, **changes)
    await scene.posthorn[Repository].add(ROUTES, made)
    return made
