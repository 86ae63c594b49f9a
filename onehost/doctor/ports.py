"""The ports that are listened on: free, or ours already; and how many files may be open for all who connect."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import socket
import subprocess
from pathlib import Path

from gateway.listeners import listen
from onehost.doctor.finding import Finding, Findings, failed, ok, warning
from onehost.doctor.host import Host
from onehost.listeners import HEALTH, HTTP, LOOPBACK
from onehost.serving import serving

SOCKET_UNIT = "posthorn-{}.socket"
MOST_CONNECTIONS = 1_000
FILES_OF_A_DELIVERY = 2
FILES_BESIDE = 256
CONNECT_SECONDS = 2.0


async def ports(host: Host) -> Findings:
    """Each port that is switched on."""
    wanted = {
        **{
            role.value: (host.configuration.gateway_bind, port)
            for role, port in host.configuration.listeners
        },
        HTTP: (host.options.http_bind, host.options.http_port),
        HEALTH: (LOOPBACK, host.options.health_port),
    }
    ours = serving(host.state) is not None
    return [
        _port(name, address, port, ours=ours)
        for name, (address, port) in wanted.items()
        if port > 0
    ]


async def open_files(host: Host) -> Findings:
    """The limit of the process that serves, or of those that are started here."""
    holder = serving(host.state)
    if holder is None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        whose = "of this shell"
    else:
        limit = _limit_of(holder.pid)
        whose = "of the server"
    connections = host.configuration.max_connections or MOST_CONNECTIONS
    needed = connections + host.options.deliveries * FILES_OF_A_DELIVERY + FILES_BESIDE
    shown = "any number of" if limit == resource.RLIM_INFINITY else str(limit)
    text = f"A process may have {shown} files open (the limit {whose}); {needed} are needed"
    if limit != resource.RLIM_INFINITY and limit < needed:
        return [
            failed(
                text,
                "Raise it: LimitNOFILE=65536 in the unit, or `ulimit -n` before `posthorn serve`",
            )
        ]
    return [ok(text)]


def _port(name: str, address: str, port: int, *, ours: bool) -> Finding:
    where = f"{name} port {port} at {address}"
    try:
        listen(address, port, name).close()
    except OSError as error:
        number = error.errno or 0
        if number not in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
            step = "Name an address of this machine in gateway_bind or http_bind"
            return failed(f"{where} cannot be opened: {os.strerror(number)}", step)
        # Who may not have a low port is not told whether it is taken.
        allowed = number == errno.EADDRINUSE
        return _not_free(
            where, (address, port), SOCKET_UNIT.format(name), ours=ours, allowed=allowed
        )
    return _unused(where) if ours else ok(f"{where} is free")


def _not_free(
    where: str, place: tuple[str, int], unit: str, *, ours: bool, allowed: bool
) -> Finding:
    if ours:
        return ok(f"{where} is ours") if allowed or _is_heard(*place) else _unused(where)
    # Asked first, because connecting would make systemd start the server.
    if _systemctl("is-active", unit):
        return ok(f"{where} is held for us by {unit}")
    if allowed or _is_heard(*place):
        step = "Find out by whom (`ss -ltnp`) and stop it, or choose another port in the settings"
        return failed(f"{where} is taken by another program", step)
    if _systemctl("is-enabled", unit):
        return warning(
            f"{where} is for root alone; {unit} opens it", f"systemctl enable --now {unit}"
        )
    step = f"Let systemd open it ({unit}), or give the program CAP_NET_BIND_SERVICE"
    return failed(f"{where} may not be opened by this user", step)


def _unused(where: str) -> Finding:
    step = "Look at the server's log, and restart it after a change of settings"
    return failed(f"The server runs, but nobody listens on {where}", step)


def _is_heard(address: str, port: int) -> bool:
    """Whether somebody accepts connections there."""
    here = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)  # noqa: S104  # to be replaced
    try:
        socket.create_connection((here, port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


def _systemctl(question: str, unit: str) -> bool:
    program = shutil.which("systemctl")
    if program is None:
        return False
    asked = [program, question, "--quiet", unit]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0  # noqa: S603  # constants


def _limit_of(pid: int) -> int:
    """The soft limit of a process; this one's where it cannot be read."""
    try:
        lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
        word = next(line.split()[3] for line in lines if line.startswith("Max open files"))
    except (OSError, StopIteration):
        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return resource.RLIM_INFINITY if word == "unlimited" else int(word)
