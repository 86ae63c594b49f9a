"""What of an address stays, because it is a part of the configuration: counted."""

from __future__ import annotations

from chalicelib.domain.erasure import Sought
from chalicelib.domain.json_values import render_value
from chalicelib.domain.numbering import ServerId
from chalicelib.domain.tenancy.endpoints import ENDPOINTS
from chalicelib.domain.tenancy.owners import of_server
from chalicelib.domain.tenancy.routes import ROUTES
from chalicelib.ports.repository import Repository


async def count_nouns(repository: Repository, server: ServerId, sought: Sought) -> dict[str, int]:
    """Routes and endpoints of a server that name an address."""
    routes = await repository.all(ROUTES, of_server(server))
    endpoints = await repository.all(ENDPOINTS, of_server(server))
    named = [f"{one.name}@{one.domain} {render_value(one)}" for one in routes]
    return {
        "routes": sum(map(sought.is_in, named)),
        "endpoints": sum(sought.is_in(f"{one.address} {one.url}") for one in endpoints),
    }
