"""What the whole relay costs, AWS left out: accept, sign, deliver; CPU of all of a server's processes, in one run.

Twenty kept connections, 4 KiB, no pipelining: `posthorn serve`, durable on SQLite and segments, beside the same program
with storage in memory, Postfix with opendkim, Haraka with its dkim plugin and stock Python libraries. A round ends when
the sink has every message; a message without a signature fails the run. Rounds are interleaved, figures are those of
the best round, which other work on the machine disturbed least; the rate is the one that the sink sees. All spools lie
on one disk, which is measured in the same run; where that is memory, whatever is durable is left out. A peer that is
not installed is named and left out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.disk import Disk, durable_disk
from bench.durable import Done, DurableRelay, start_durable
from bench.flushes import flushes_during
from bench.relay_peers import Relay, Start, start_haraka, start_ours, start_postfix, start_stock
from bench.sink import Sink
from bench.smtp_peers import ROOT, Absent
from bench.table import Row, bounded, print_table
from bench.tenant import SENDER

SESSIONS = 20
SIZE = 4_096
BOTH, RSA = "Posthorn in memory", "Posthorn in memory, RSA only"
DURABLE = "Posthorn, durable"
POSTFIX, HARAKA, STOCK = "Postfix + opendkim", "Haraka + dkim", "aiosmtpd + dkimpy + aiosmtplib"
STARTERS: Mapping[str, Start] = {
    BOTH: lambda folder, sink, _: start_ours(folder, sink, "both"),
    DURABLE: lambda folder, sink, _: start_durable(folder, sink),
    RSA: lambda folder, sink, _: start_ours(folder, sink, "rsa"),
    POSTFIX: start_postfix,
    HARAKA: start_haraka,
    STOCK: start_stock,
}
ON_DISK = (DURABLE, POSTFIX, HARAKA)
MOST_OF_PEERS = 0.3
LEAST_RATE = 3.0
MOST_OF_MEMORY = 1.25
MOST_TRANSACTIONS, MOST_FSYNCS = 0.25, 0.5
MOST_AT_REST = 200
FEWEST = 40
PATIENCE_SECONDS = 120.0
# What a relay still does when the sink has everything is its cost, too.
SETTLE_SECONDS = 0.3


@dataclass(slots=True)
class Contestant:
    """A relay with a sink of its own; CPU milliseconds a message and messages a second, one of each a round."""

    relay: Relay
    sink: Sink
    count: int = FEWEST
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    flushes: float | None = None
    at_rest: int = 0

    @property
    def least_cpu(self) -> float:
        """That of the best round."""
        return min(self.cpu)

    @property
    def most_rate(self) -> float:
        """That of the best round."""
        return max(self.rate)

    def memory(self) -> int:
        """Bytes of memory of the durable relay now; of the others nothing is known."""
        return self.relay.memory() if isinstance(self.relay, DurableRelay) else 0


def run(rounds: int = 5, seconds: float = 1.0) -> list[Row]:
    """Measure everything that is installed. `seconds` is the aimed length of one load."""
    return measure(rounds, seconds, STARTERS)


def measure(rounds: int, seconds: float, starters: Mapping[str, Start]) -> list[Row]:
    """Measure these relays; the first is the one that the others are compared with."""
    with _contestants(starters) as (contestants, disk):
        for name, contestant in contestants.items():
            _load(contestant, FEWEST)
            if name in ON_DISK and name != DURABLE:
                found = flushes_during(contestant.relay.pids, lambda: _load(contestant, FEWEST))  # noqa: B023
                contestant.flushes = None if found is None else found / FEWEST
            _, rate = _load(contestant, 2 * FEWEST)
            contestant.count = max(FEWEST, int(rate * seconds))
        for number in range(rounds):
            order = list(contestants.values())
            for contestant in order if number % 2 == 0 else reversed(order):
                _round(contestant)
        return [*(disk.rows() if disk else ()), *_rows(contestants)]


def _round(contestant: Contestant) -> None:
    relay = contestant.relay
    before = relay.done() if isinstance(relay, DurableRelay) else None
    cpu, rate = _load(contestant, contestant.count)
    contestant.cpu.append(cpu)
    contestant.rate.append(rate)
    if isinstance(relay, DurableRelay) and before:
        contestant.done.append(relay.done() - before)


def _load(contestant: Contestant, messages: int) -> tuple[float, float]:
    """CPU milliseconds a message and messages a second of one load, until the sink has all of it."""
    relay, sink = contestant.relay, contestant.sink
    command = [sys.executable, "-m", "bench.smtp_load", "--port", str(relay.port)]
    command += ["--sessions", str(SESSIONS), "--messages", str(messages), "--bytes", str(SIZE)]
    command += ["--sender", SENDER]
    if relay.key:
        command += ["--key", relay.key]
    already, before = sink.begin(), relay.cpu()
    done = subprocess.run(
        command, capture_output=True, check=False, cwd=ROOT, timeout=PATIENCE_SECONDS
    )
    if done.returncode != 0:
        raise RuntimeError(f"load on {relay.name} failed: {done.stderr.decode()[-500:]}")
    assert json.loads(done.stdout)["messages"] == messages
    taken = sink.wait_for(already + messages, PATIENCE_SECONDS)
    time.sleep(SETTLE_SECONDS)
    spent = relay.cpu() - before
    if sink.count != already + messages or sink.unsigned:
        raise RuntimeError(f"{relay.name} sent {sink.count - already} messages for {messages}")
    return spent * 1_000 / messages, (messages - 1) / max(taken, 1e-9)


def _rows(contestants: Mapping[str, Contestant]) -> list[Row]:
    first = next(iter(contestants))
    rows = _compared(contestants, first, "relay, {}")
    durable = contestants.get(DURABLE)
    if durable is not None:
        peers = {name: each for name, each in contestants.items() if name in (POSTFIX, HARAKA)}
        pairs = _compared({DURABLE: durable, **peers}, DURABLE, "relay, durable to {}", rate=True)
        rows += [row for row in pairs if row.ratio is not None]
        rows += _facts(durable)
    rows += [
        Row(f"relay, {name}", each.flushes, "fsyncs/msg")
        for name, each in contestants.items()
        if each.flushes is not None
    ]
    return rows


def _compared(
    contestants: Mapping[str, Contestant], ours: str, label: str, *, rate: bool = False
) -> list[Row]:
    """CPU and rate of each, and how `ours` stands to it; the durable relay is compared with that in memory instead."""
    best, rows = contestants[ours], []
    for name, each in contestants.items():
        row = Row(label.format(name), each.least_cpu, "CPU ms/msg")
        if name == DURABLE != ours:
            row = _judged(row, each.least_cpu / best.least_cpu, f"<= {MOST_OF_MEMORY}x {ours}")
        elif name != ours:
            target = f"Posthorn <= {MOST_OF_PEERS}x" if name in (POSTFIX, HARAKA) else ""
            row = _judged(row, best.least_cpu / each.least_cpu, target)
        rows.append(row)
    for name, each in contestants.items():
        row = Row(label.format(name), each.most_rate, "msg/s")
        if name != ours:
            target = f"Posthorn >= {LEAST_RATE:g}x" if rate else ""
            row = _judged(row, best.most_rate / each.most_rate, target)
        rows.append(row)
    return rows


def _judged(row: Row, ratio: float, target: str) -> Row:
    """The row with its ratio held against a target such as "Posthorn <= 0.3x"."""
    ok = None
    if target:
        _, sign, bound = target.partition("<=" if "<=" in target else ">=")
        most = float(bound.split()[0].rstrip("x"))
        ok = ratio <= most if sign == "<=" else ratio >= most
    return replace(row, ratio=ratio, target=target, ok=ok)


def _facts(durable: Contestant) -> list[Row]:
    """What the durable relay did to its disk, and the memory of all that it started."""
    messages = durable.count * len(durable.done)
    transactions = sum(done.transactions for done in durable.done) / messages
    fsyncs = sum(done.fsyncs for done in durable.done) / messages
    operations = sum(done.operations for done in durable.done) / messages
    at_rest = durable.at_rest / 1e6
    label = f"relay, {DURABLE}"
    return [
        Row(f"{label}, operations", operations, "/msg"),
        bounded(f"{label}, transactions", transactions, "/msg", MOST_TRANSACTIONS),
        bounded(f"{label}", fsyncs, "fsyncs/msg", MOST_FSYNCS),
        bounded(f"{label}, memory at rest (PSS)", at_rest, "MB", MOST_AT_REST),
        Row(f"{label}, memory after load (PSS)", durable.memory() / 1e6, "MB"),
    ]


@contextmanager
def _contestants(
    starters: Mapping[str, Start],
) -> Iterator[tuple[dict[str, Contestant], Disk | None]]:
    with ExitStack() as ending:
        base = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-relay-")))
        base.chmod(0o755)
        key = base / "dkim.pem"
        key.write_bytes(_rsa_key())
        disk = _disk(base)
        running: dict[str, Contestant] = {}
        for number, (name, start) in enumerate(starters.items()):
            if disk is None and name in ON_DISK:
                continue
            folder = base / str(number)
            folder.mkdir()
            sink = ending.enter_context(Sink())
            try:
                relay = start(folder, sink.port, key)
            except Absent as absent:
                print(f"{name}: not compared: {absent}", file=sys.stderr)
                continue
            ending.callback(relay.stop)
            running[name] = Contestant(relay, sink)
            running[name].at_rest = running[name].memory()
        yield running, disk


def _disk(folder: Path) -> Disk | None:
    """The disk of all spools; None when there is none."""
    try:
        return durable_disk(folder)
    except Absent as absent:
        print(f"{', '.join(ON_DISK)}: not measured: {absent}", file=sys.stderr)
        return None


def _rsa_key() -> bytes:
    private = generate_private_key(public_exponent=65_537, key_size=2_048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


if __name__ == "__main__":
    print_table(run())
