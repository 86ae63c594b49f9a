"""`posthorn serve` as the benchmarks run it: the real program on SQLite and segments, in a folder of the bench's disk.

One process under its supervisor, a tenant, a DNS that leads to the sink, and everything durable as it always is. What
its store did is read from its own metrics.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.relay_peers import Relay
from bench.smtp_peers import ROOT, MailServer, wait_for_greeting
from bench.tenant import Tenant, make_tenant
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.dns_zone import DnsZone
from tests.loopback import free_port

LOG = "serve.log"
SERVE = "import os, sys; from onehost.serve import serve; sys.exit(serve(os.environ))"
_SAMPLE = re.compile(r"posthorn_store_(operations|transactions|fsyncs)_total\{[^}]*\} (\d+)")


@dataclass(frozen=True, slots=True)
class Done:
    """What stores did: operations asked for, transactions made, and flushes of databases and segments."""

    operations: int
    transactions: int
    fsyncs: int

    def __sub__(self, before: Done) -> Done:
        return Done(
            self.operations - before.operations,
            self.transactions - before.transactions,
            self.fsyncs - before.fsyncs,
        )


class DurableRelay(Relay):
    """The running program, which took `start_seconds` to greet its first client."""

    def __init__(
        self, port: int, health: int, server: MailServer, key: str, zone: DnsZone, seconds: float
    ) -> None:
        super().__init__("posthorn serve", port, [server], key)
        self.start_seconds = seconds
        self._health = health
        self._zone = zone

    def done(self) -> Done:
        """What its stores did since it started."""
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self._health}/metrics", timeout=10
        ) as answer:
            return parse_metrics(answer.read().decode())

    def memory(self) -> int:
        """Bytes of memory of all its processes; what they share counts once."""
        return sum(map(_proportional, self.pids))

    def stop(self) -> None:
        """End it, and its DNS."""
        super().stop()
        self._zone.__exit__(None, None, None)


def start_durable(folder: Path, sink: int, processes: int = 1) -> DurableRelay:
    """Serve a new state folder in `folder`; all mail goes to the sink's port."""
    state = folder / "state"
    program = Posthorn(Settings(state_folder=str(state)), "sqlite")
    tenant: Tenant = asyncio.run(make_tenant(program))
    zone = DnsZone(ttl=3_600).__enter__()
    zone.mx("sink.example", (10, "mx.sink.example"))
    zone.a("mx.sink.example", "127.0.0.1")
    port, health = free_port(), free_port()
    variables = {
        "STATE_FOLDER": state,
        "DNS_SERVER": zone.server,
        "DELIVERY_PORT": sink,
        "ALLOW_PRIVATE_DELIVERY": 1,
        "ALLOW_PLAIN_AUTH": 1,
        "MX_PORT": -1,
        "SUBMISSION_PORT": port,
        "SUBMISSIONS_PORT": -1,
        "HTTP_PORT": 0,
        "HEALTH_PORT": health,
        "PROCESSES": processes,
    }
    server, seconds = serve(folder, variables, port)
    relay = DurableRelay(port, health, server, tenant.smtp_key, zone, seconds)
    relay.done()  # answered once everything is loaded
    return relay


def serve(
    folder: Path, variables: Mapping[str, object], port: int, said: bytes = b""
) -> tuple[MailServer, float]:
    """`posthorn serve` with these settings, and the seconds until it greeted whoever had `said` this."""
    environment = {name: text for name, text in os.environ.items() if not _is_ours(name)}
    environment |= {f"POSTHORN_{name}": str(value) for name, value in variables.items()}
    environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{ROOT / 'smtp-gateway'}"
    begin = time.monotonic()
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], stdout=log, stderr=log, env=environment, cwd=ROOT
        )
    wait_for_greeting(port, process, said=said)
    return MailServer("posthorn serve", port, process), time.monotonic() - begin


def parse_metrics(text: str) -> Done:
    """The sums over all stores of a text from /metrics."""
    sums = {"operations": 0, "transactions": 0, "fsyncs": 0}
    for name, count in _SAMPLE.findall(text):
        sums[name] += int(count)
    return Done(**sums)


def _is_ours(name: str) -> bool:
    return name.startswith(("POSTHORN_", "LISTEN_", "NOTIFY_"))


def _proportional(pid: int) -> int:
    """PSS of a process (proc(5), smaps_rollup); 0 when it has ended."""
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return int(text.partition("\nPss:")[2].split()[0]) * 1_024
