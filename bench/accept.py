"""What accepting a message costs: CPU of the gateway against stock aiosmtpd, Postfix and Haraka, in one run.

Twenty kept connections, messages of 4 and 64 KiB, no pipelining; the gateway authenticates, checks limits and sender
and numbers its messages, and its stores keep nothing. `incoming` is its port for incoming mail: no client is known,
and a route takes each message. Postfix relays with all its checks off. Rounds are interleaved, figures are medians. A
peer that is not installed is named and left out.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.smtp_peers import (
    ROOT,
    Absent,
    MailServer,
    start_aiosmtpd,
    start_gateway,
    start_haraka,
    start_incoming,
    start_postfix,
)
from bench.table import Row, print_table

SESSIONS = 20
SIZES = (4_096, 65_536)
STARTERS: dict[str, Callable[[Path], MailServer]] = {
    "gateway": start_gateway,
    "incoming": start_incoming,
    "aiosmtpd": start_aiosmtpd,
    "postfix": start_postfix,
    "haraka": start_haraka,
}
# size → peer → highest share of its CPU that meets the target
TARGETS = {4_096: {"postfix": 0.25, "haraka": 0.35}, 65_536: {"postfix": 0.35}}
LEAST_RATE = 2.0


@dataclass(slots=True)
class Figures:
    """CPU milliseconds a message and messages a second, one of each a round."""

    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)


def run(rounds: int = 7, seconds: float = 1.0) -> list[Row]:
    """Measure everything that is installed. `seconds` is the aimed length of one load."""
    rows = []
    with _servers() as servers:
        for size in SIZES:
            figures = _measure(servers, size, rounds, seconds)
            rows += _rows(figures, size)
    return rows


def _measure(
    servers: dict[str, MailServer], size: int, rounds: int, seconds: float
) -> dict[str, Figures]:
    counts = {}
    for name, server in servers.items():
        _load(server, size, 200)
        rate = _load(server, size, 500)[1]
        counts[name] = max(200, int(rate * seconds))
    figures = {name: Figures() for name in servers}
    for number in range(rounds):
        order = list(servers.items())
        for name, server in order if number % 2 == 0 else reversed(order):
            cpu, rate = _load(server, size, counts[name])
            figures[name].cpu.append(cpu)
            figures[name].rate.append(rate)
    return figures


def _load(server: MailServer, size: int, messages: int) -> tuple[float, float]:
    """CPU milliseconds a message and messages a second of one load."""
    command = [sys.executable, "-m", "bench.smtp_load", "--port", str(server.port)]
    command += ["--sessions", str(SESSIONS), "--messages", str(messages), "--bytes", str(size)]
    command += ["--rcpt", server.rcpt]
    if server.key:
        command += ["--key", server.key]
    before = server.cpu()
    done = subprocess.run(command, capture_output=True, check=False, cwd=ROOT, timeout=120)
    spent = server.cpu() - before
    if done.returncode != 0:
        raise RuntimeError(f"load on {server.name} failed: {done.stderr.decode()[-500:]}")
    taken = json.loads(done.stdout)
    return spent * 1_000 / messages, messages / taken["seconds"]


def _rows(figures: dict[str, Figures], size: int) -> list[Row]:
    label = f"accept {size // 1024} KiB"
    ours = {name: statistics.median(each.cpu) for name, each in figures.items()}
    rows = [Row(f"{label}, gateway", ours["gateway"], "CPU ms/msg")]
    if "postfix" in ours:
        ratio, most = ours["incoming"] / ours["postfix"], TARGETS[size]["postfix"]
        target = f"incoming <= {most}x postfix"
        rows.append(
            Row(f"{label}, incoming", ours["incoming"], "CPU ms/msg", ratio, target, ratio <= most)
        )
    else:
        rows.append(Row(f"{label}, incoming", ours["incoming"], "CPU ms/msg"))
    for name in figures:
        if name in ("gateway", "incoming"):
            continue
        most = TARGETS[size].get(name)
        ratio = ours["gateway"] / ours[name]
        target = f"gateway <= {most}x {name}" if most else ""
        ok = ratio <= most if most else None
        rows.append(Row(f"{label}, {name}", ours[name], "CPU ms/msg", ratio, target, ok))
    return rows + _rates(figures, label)


def _rates(figures: dict[str, Figures], label: str) -> list[Row]:
    rates = {name: statistics.median(each.rate) for name, each in figures.items()}
    rows = [Row(f"{label}, gateway", rates["gateway"], "msg/s")]
    if "postfix" in rates:
        ratio = rates["gateway"] / rates["postfix"]
        wanted = "4 KiB" in label
        target = f"gateway >= {LEAST_RATE:g}x postfix" if wanted else ""
        ok = ratio >= LEAST_RATE if wanted else None
        rows.append(Row(f"{label}, postfix", rates["postfix"], "msg/s", ratio, target, ok))
    return rows


@contextmanager
def _servers() -> Iterator[dict[str, MailServer]]:
    with tempfile.TemporaryDirectory(prefix="posthorn-bench-") as base:
        Path(base).chmod(0o755)
        running: dict[str, MailServer] = {}
        try:
            for name, start in STARTERS.items():
                folder = Path(base) / name
                folder.mkdir()
                try:
                    running[name] = start(folder)
                except Absent as absent:
                    print(f"left out {name}: {absent}", file=sys.stderr)
            yield running
        finally:
            for server in running.values():
                server.stop()


if __name__ == "__main__":
    print_table(run())
