"""Every setting of the one-host program alone, as one frozen value, read from `POSTHORN_*` variables.

What it shares with functions and gateway is in `chalicelib.config` and `gateway.configuration`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields

from chalicelib.config import check_bounds
from gateway.configuration import Network, parse_networks

_BOUNDS = {
    "http_port": (-1, 65_535),
    "health_port": (-1, 65_535),
    "processes": (0, 64),
    "deliveries": (1, 10_000),
    "backup_keep": (1, 1_000),
    "backup_hook_seconds": (1, 86_400),
}
CORES_OF_ONE_PROCESS = 2


@dataclass(frozen=True, slots=True)
class Options:
    """Settings with their defaults.

    http_bind, http_port: where API, tracking and uploads are served; 0 lets the system choose, -1 switches it off.
    health_port: `/health` and `/metrics` on loopback, -1 for none. processes: identical ones; 0 for one up to two
    cores, else as many as cores. deliveries: messages that one process delivers at a time.
    http_proxy_networks: comma-separated networks of reverse proxies whose X-Forwarded-For is believed.
    backup_folder: where `posthorn backups run` makes dated backups; it must be there. backup_keep: how many stay.
    backup_hook: the absolute path of a program that takes each off the host; empty for none. backup_hook_seconds: how
    long it may take. backup_proof_folder: where a backup is restored to prove it; empty for the folder of backups.
    """

    http_bind: str = "127.0.0.1"
    http_port: int = 8000
    health_port: int = 8025
    processes: int = 0
    deliveries: int = 200
    http_proxy_networks: str = ""
    backup_folder: str = ""
    backup_keep: int = 7
    backup_hook: str = ""
    backup_hook_seconds: int = 3_600
    backup_proof_folder: str = ""

    @property
    def http_proxies(self) -> tuple[Network, ...]:
        """The networks whose X-Forwarded-For is believed."""
        return parse_networks(self.http_proxy_networks, "POSTHORN_HTTP_PROXY_NETWORKS")

    @property
    def process_count(self) -> int:
        """How many processes serve."""
        cores = len(os.sched_getaffinity(0))
        return self.processes or (1 if cores <= CORES_OF_ONE_PROCESS else cores)


def read_options(environment: Mapping[str, str]) -> Options:
    """The options from `POSTHORN_*` variables; ValueError names the variable that cannot be read."""
    values: dict[str, str | int] = {}
    for field in fields(Options):
        name = f"POSTHORN_{field.name.upper()}"
        text = environment.get(name, "")
        if not text:
            continue
        if isinstance(field.default, str):
            values[field.name] = text
            continue
        try:
            number = int(text)
        except ValueError as wrong:
            raise ValueError(f"{name} must be a whole number, not {text!r}") from wrong
        check_bounds(name, number, *_BOUNDS[field.name])
        values[field.name] = number
    options = Options(**values)  # type: ignore[arg-type]  # each value has its field's type by construction
    _ = options.http_proxies
    return options
