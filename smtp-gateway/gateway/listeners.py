"""Listening sockets, opened before anything is served."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from gateway.configuration import Configuration, Role

BACKLOG = 1_024
Listeners = Mapping[Role, Sequence[socket.socket]]


def open_listeners(configuration: Configuration) -> dict[Role, list[socket.socket]]:
    """One for each port that is switched on; OSError names the address that cannot be had, and then none is open."""
    opened: dict[Role, list[socket.socket]] = {}
    try:
        for role, port in configuration.listeners:
            opened[role] = [listen(configuration.gateway_bind, port, role)]
    except OSError:
        for listeners in opened.values():
            listeners[0].close()
        raise
    return opened


def listen(address: str, port: int, what: str) -> socket.socket:
    """A listening socket; for `::` it takes IPv4 as well. OSError names the address and what it is for."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if address == "::":
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind((address, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        where = f"{address} port {port} ({what})"
        raise OSError(error.errno, f"cannot listen on {where}: {error.strerror}") from error
    return listener
