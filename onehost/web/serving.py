"""What a process serves by HTTP: the API, tracking and blobs on one socket, health and metrics on another."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from chalicelib.bootstrap import Posthorn
from onehost.listeners import HEALTH, HTTP, Sockets
from onehost.options import Options
from onehost.web.application import First, Web
from onehost.web.health import HealthPort
from onehost.web.server import serve_web


def web_works(
    program: Posthorn,
    options: Options,
    sockets: Sockets,
    first: First | None,
    connections: Callable[[], int],
) -> list[Callable[[asyncio.Event], Awaitable[None]]]:
    """What serves these sockets, each until told to stop. `first` may answer a request before everything else does;
    `connections` counts those of SMTP."""
    works: list[Callable[[asyncio.Event], Awaitable[None]]] = []
    if HTTP in sockets:
        works.append(partial(serve_web, Web(program, options, first), sockets[HTTP]))
    if HEALTH in sockets:
        health = HealthPort(program, {"smtp": connections})
        works.append(partial(serve_web, health, sockets[HEALTH]))
    return works
