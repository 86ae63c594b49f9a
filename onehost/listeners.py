"""The listening sockets of the one-host program: opened by the supervisor or systemd, handed to each process."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping, Sequence

from gateway.configuration import Configuration, Role
from gateway.listeners import listen
from onehost.options import Options

HTTP, HEALTH = "http", "health"
LOOPBACK = "127.0.0.1"
HANDED_OVER = "POSTHORN_LISTENERS"
FIRST_OF_SYSTEMD = 3

Sockets = Mapping[str, Sequence[socket.socket]]
"""Sockets by what they are for: the roles of the gateway, `http` and `health`."""


def open_sockets(
    configuration: Configuration, options: Options, environment: Mapping[str, str]
) -> Sockets:
    """Those of systemd, and one for each other port that is switched on. OSError names the address that cannot be
    had, ValueError a socket of systemd with an unknown name."""
    given = _of_systemd(environment)
    wanted = {
        **{
            role.value: (configuration.gateway_bind, port) for role, port in configuration.listeners
        },
        HTTP: (options.http_bind, options.http_port),
        HEALTH: (LOOPBACK, options.health_port),
    }
    if unknown := given.keys() - {*Role, HTTP, HEALTH}:
        raise ValueError(
            f"systemd hands over a socket named {unknown.pop()!r}, which is none of ours"
        )
    opened = {
        name: [listen(address, port, name)]
        for name, (address, port) in wanted.items()
        if name not in given and port >= 0
    }
    return {**opened, **given}


def rendered(sockets: Sockets) -> str:
    """The variable HANDED_OVER for a process that inherits the sockets."""
    return json.dumps({name: [each.fileno() for each in some] for name, some in sockets.items()})


def inherited(environment: Mapping[str, str]) -> Sockets:
    """The sockets that the supervisor handed over."""
    described: dict[str, list[int]] = json.loads(environment[HANDED_OVER])
    return {name: [socket.socket(fileno=each) for each in some] for name, some in described.items()}


def of_gateway(sockets: Sockets) -> dict[Role, Sequence[socket.socket]]:
    """Those that speak SMTP."""
    return {role: sockets[role.value] for role in Role if role.value in sockets}


def _of_systemd(environment: Mapping[str, str]) -> dict[str, list[socket.socket]]:
    """sd_listen_fds(3): the sockets of `posthorn.socket` by their FileDescriptorName."""
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return {}
    count = int(environment.get("LISTEN_FDS", "0"))
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    found: dict[str, list[socket.socket]] = {}
    for number, name in zip(range(count), names, strict=False):
        listener = socket.socket(fileno=FIRST_OF_SYSTEMD + number)
        found.setdefault(name, []).append(listener)
    return found
