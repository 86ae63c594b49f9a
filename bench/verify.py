"""What incoming mail costs with its sender checked: CPU of accepting it and of SPF, DKIM and DMARC, in one run.

Ours: the gateway's port for incoming mail and the attempt that follows, which checks (ARC too) and hands on to nobody;
in memory and as `posthorn serve`, durable. Beside it Postfix with opendkim and opendmarc, which puts mail on hold. All
ask one NSD. Twenty kept connections bring messages signed with RSA-2048, of one sender that is known by then, and each
of another domain, of which no cache knows anything. A message that does not pass every check fails the run. Rounds are
interleaved, figures are medians. A peer that is not installed is named and left out.
"""

from __future__ import annotations

import base64
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from bench.relay_peers import Relay
from bench.smtp_peers import ROOT, Absent
from bench.table import Row, print_table
from bench.verify_load import CLIENT, SELECTOR, TOP, sender_of
from bench.verify_ours import DurableReceiver, MemoryReceiver, start_durable, start_memory
from bench.verify_peers import HoldingPostfix, start_postfix
from bench.verify_server import RECIPIENT
from tests.nsd import NSD, Nsd, running

MEMORY, DURABLE = "Posthorn in memory", "Posthorn, durable"
POSTFIX = "Postfix + opendkim + opendmarc"
MOST_OF_POSTFIX = 0.3
DNS_PORT = 53  # libresolv asks no other
STRANGERS = 6_000
FEWEST, MOST = 60, 600
PATIENCE_SECONDS = 120.0
SETTLE_SECONDS = 0.3

Start = Callable[[Path, str], Relay]
"""From a folder and the address of the name server to a running server."""
STARTERS: Mapping[str, Start] = {
    MEMORY: lambda folder, address: start_memory(folder, f"{address}:{DNS_PORT}"),
    DURABLE: lambda folder, address: start_durable(folder, f"{address}:{DNS_PORT}"),
    POSTFIX: start_postfix,
}


@dataclass(frozen=True, slots=True)
class Work:
    """What a load sends."""

    label: str
    size: int
    strangers: bool = False


WORKS = (
    Work("verify 4 KiB", 4_096),
    Work("verify 4 KiB, new senders", 4_096, strangers=True),
    Work("verify 64 KiB", 65_536),
)


@dataclass(slots=True)
class Contestant:
    """A server, the file of the senders' key, and the CPU milliseconds a message of each round."""

    relay: Relay
    key: Path
    met: int = 0
    cpu: list[float] = field(default_factory=list)

    def load(self, work: Work, messages: int) -> tuple[float, float]:
        """CPU milliseconds a message and messages a second of one load, until all of it is done with."""
        relay = self.relay
        command = [sys.executable, "-m", "bench.verify_load", "--port", str(relay.port)]
        command += ["--key", str(self.key), "--rcpt", RECIPIENT, "--bytes", str(work.size)]
        command += ["--messages", str(messages)]
        if work.strangers:
            command += ["--first", str(1 + self.met % (STRANGERS - MOST))]
            self.met += messages
        done_before, passed_before, before = _done(relay), _passed(relay), relay.cpu()
        done = subprocess.run(
            command, capture_output=True, check=False, cwd=ROOT, timeout=PATIENCE_SECONDS
        )
        if done.returncode != 0:
            raise RuntimeError(f"load on {relay.name} failed: {done.stderr.decode()[-500:]}")
        _wait(relay, done_before + messages)
        time.sleep(SETTLE_SECONDS)
        spent = relay.cpu() - before
        passed = _passed(relay) - passed_before
        if passed != messages:
            raise RuntimeError(f"{relay.name} let {passed} messages of {messages} pass")
        return spent * 1_000 / messages, messages / json.loads(done.stdout)["seconds"]


def run(rounds: int = 5, seconds: float = 1.0) -> list[Row]:
    """Measure everything that is installed. `seconds` is the aimed length of one load."""
    try:
        return measure(rounds, seconds, STARTERS, WORKS)
    except Absent as absent:
        print(f"{absent}: not measured", file=sys.stderr)
        return []


def measure(
    rounds: int, seconds: float, starters: Mapping[str, Start], works: Sequence[Work]
) -> list[Row]:
    """Measure these servers at these works. Absent without a name server."""
    rows: list[Row] = []
    with _contestants(starters) as contestants:
        for work in works:
            _measure(contestants, work, rounds, seconds)
            rows += _rows(contestants, work)
    return rows


def _measure(
    contestants: Mapping[str, Contestant], work: Work, rounds: int, seconds: float
) -> None:
    counts = {}
    for name, contestant in contestants.items():
        contestant.cpu.clear()
        rate = contestant.load(work, FEWEST)[1]
        counts[name] = min(MOST, max(FEWEST, int(rate * seconds)))
    for number in range(rounds):
        order = list(contestants.items())
        for name, contestant in order if number % 2 == 0 else reversed(order):
            contestant.cpu.append(contestant.load(work, counts[name])[0])


def _rows(contestants: Mapping[str, Contestant], work: Work) -> list[Row]:
    """Ours, each against Postfix where that is there."""
    cpu = {name: statistics.median(each.cpu) for name, each in contestants.items()}
    rows = []
    for name, value in cpu.items():
        row = Row(f"{work.label}, {name}", value, "CPU ms/msg")
        if POSTFIX in cpu and name != POSTFIX:
            ratio, target = value / cpu[POSTFIX], f"<= {MOST_OF_POSTFIX}x {POSTFIX}"
            row = Row(row.name, value, row.unit, ratio, target, ratio <= MOST_OF_POSTFIX)
        rows.append(row)
    return rows


def _done(relay: Relay) -> int:
    """What Postfix has said yes to, it has checked."""
    return relay.done() if isinstance(relay, MemoryReceiver | DurableReceiver) else 0


def _passed(relay: Relay) -> int:
    if isinstance(relay, HoldingPostfix):
        return relay.passed()
    return relay.passed() if isinstance(relay, MemoryReceiver | DurableReceiver) else 0


def _wait(relay: Relay, done: int) -> None:
    """Until it is done with so many."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not isinstance(relay, HoldingPostfix) and _done(relay) < done:
        if time.monotonic() > end:
            raise RuntimeError(f"{relay.name} is not done after {PATIENCE_SECONDS:g} seconds")
        time.sleep(0.1)


@contextmanager
def _contestants(starters: Mapping[str, Start]) -> Iterator[dict[str, Contestant]]:
    with ExitStack() as ending:
        base = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="posthorn-verify-")))
        base.chmod(0o755)
        private = generate_private_key(public_exponent=65_537, key_size=2_048)
        key = base / "dkim.pem"
        key.write_bytes(
            private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        )
        if NSD is None:
            raise Absent("NSD, the name server (Debian: nsd), is not installed")
        if os.geteuid() != 0:
            raise Absent("only root may serve DNS at port 53 of loopback")
        address = _an_address()
        server = Nsd(address, DNS_PORT, {TOP: zone(private, STRANGERS)})
        ending.enter_context(running(server, base / "nsd"))
        found: dict[str, Contestant] = {}
        for number, (name, start) in enumerate(starters.items()):
            folder = base / str(number)
            folder.mkdir()
            try:
                relay = start(folder, address)
            except Absent as absent:
                print(f"{name}: not compared: {absent}", file=sys.stderr)
                continue
            ending.callback(relay.stop)
            found[name] = Contestant(relay, key)
        yield found


def _an_address() -> str:
    """One of loopback that most likely nobody else has."""
    return f"127.{random.randint(2, 254)}.{random.randint(0, 254)}.{random.randint(2, 254)}"


def zone(key: RSAPrivateKey, senders: int) -> str:
    """The records of so many senders, as lines of the zone file of TOP; one key and one address for all."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    dkim = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    text = f'"{dkim[:200]}" "{dkim[200:]}"'
    lines = []
    for number in range(senders):
        name = sender_of(number).removesuffix(f".{TOP}")
        lines += [
            f'{name} 3600 TXT "v=spf1 ip4:{CLIENT} -all"',
            f"{SELECTOR}._domainkey.{name} 3600 TXT {text}",
            f'_dmarc.{name} 3600 TXT "v=DMARC1; p=reject"',
        ]
    return "\n".join(lines)


if __name__ == "__main__":
    print_table(run())
