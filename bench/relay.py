"""What the whole relay costs, AWS left out: accept, sign, deliver; CPU of all of a server's processes, in one run.

Twenty kept connections, 4 KiB, no pipelining, against Postfix with opendkim, Haraka with its dkim plugin and stock
Python libraries. A round ends when the sink has every message; a message without a signature fails the run. Rounds are
interleaved, figures are medians, the rate is the one that the sink sees. A peer that is not installed is named and left
out. The peers write their queues to a disk and ours writes to S3 and SQS: `bench.path` has the price of that.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from bench.relay_peers import Relay, Start, start_haraka, start_ours, start_postfix, start_stock
from bench.sink import Sink
from bench.smtp_peers import ROOT, Absent
from bench.table import Row, print_table
from bench.tenant import SENDER

SESSIONS = 20
SIZE = 4_096
BOTH, RSA = "Posthorn, RSA and Ed25519", "Posthorn, RSA only"
POSTFIX, HARAKA, STOCK = "Postfix + opendkim", "Haraka + dkim", "aiosmtpd + dkimpy + aiosmtplib"
STARTERS: Mapping[str, Start] = {
    BOTH: lambda folder, sink, _: start_ours(folder, sink, "both"),
    RSA: lambda folder, sink, _: start_ours(folder, sink, "rsa"),
    POSTFIX: start_postfix,
    HARAKA: start_haraka,
    STOCK: start_stock,
}
MOST = {POSTFIX: 0.3, HARAKA: 0.3}
FEWEST = 40
PATIENCE_SECONDS = 120.0


@dataclass(slots=True)
class Contestant:
    """A relay with a sink of its own; CPU milliseconds a message and messages a second, one of each a round."""

    relay: Relay
    sink: Sink
    count: int = FEWEST
    cpu: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)


def run(rounds: int = 5, seconds: float = 1.0) -> list[Row]:
    """Measure everything that is installed. `seconds` is the aimed length of one load."""
    return measure(rounds, seconds, STARTERS)


def measure(rounds: int, seconds: float, starters: Mapping[str, Start]) -> list[Row]:
    """Measure these relays; the first is the one that the others are compared with."""
    with _contestants(starters) as contestants:
        for contestant in contestants.values():
            _load(contestant, FEWEST)
            _, rate = _load(contestant, 2 * FEWEST)
            contestant.count = max(FEWEST, int(rate * seconds))
        for number in range(rounds):
            order = list(contestants.values())
            for contestant in order if number % 2 == 0 else reversed(order):
                cpu, rate = _load(contestant, contestant.count)
                contestant.cpu.append(cpu)
                contestant.rate.append(rate)
        return _rows(contestants)


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
    spent = relay.cpu() - before
    if sink.count != already + messages or sink.unsigned:
        raise RuntimeError(f"{relay.name} sent {sink.count - already} messages for {messages}")
    return spent * 1_000 / messages, (messages - 1) / max(taken, 1e-9)


def _rows(contestants: Mapping[str, Contestant]) -> list[Row]:
    cpu = {name: statistics.median(each.cpu) for name, each in contestants.items()}
    rate = {name: statistics.median(each.rate) for name, each in contestants.items()}
    ours = next(iter(cpu))
    rows = []
    for name, spent in cpu.items():
        most = MOST.get(name)
        ratio = cpu[ours] / spent
        target = f"Posthorn <= {most}x" if most else ""
        ok = ratio <= most if most else None
        rows.append(
            Row(f"relay, {name}", spent, "CPU ms/msg", None if name == ours else ratio, target, ok)
        )
    for name, speed in rate.items():
        ratio = rate[ours] / speed
        rows.append(Row(f"relay, {name}", speed, "msg/s", None if name == ours else ratio))
    return rows


@contextmanager
def _contestants(
    starters: Mapping[str, Start],
) -> Iterator[dict[str, Contestant]]:
    with ExitStack() as ending:
        base = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-relay-")))
        base.chmod(0o755)
        key = base / "dkim.pem"
        key.write_bytes(_rsa_key())
        running: dict[str, Contestant] = {}
        for number, (name, start) in enumerate(starters.items()):
            folder = base / str(number)
            folder.mkdir()
            sink = ending.enter_context(Sink())
            try:
                relay = start(folder, sink.port, key)
            except Absent as absent:
                print(f"{absent}: not compared", file=sys.stderr)
                continue
            ending.callback(relay.stop)
            running[name] = Contestant(relay, sink)
        yield running


def _rsa_key() -> bytes:
    private = generate_private_key(public_exponent=65_537, key_size=2_048)
    return private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


if __name__ == "__main__":
    print_table(run())
