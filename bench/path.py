"""What a message of 4 KiB costs on its whole path on AWS: calls, bytes, DynamoDB units and our CPU.

Counted on the emulator. Counts are exact and hold on AWS as well; the CPU is ours alone, without the emulator's. See
`bench.whole_path` for what is in and what is not. Haraka's relay, which keeps its queue on a disk, is what the CPU is
compared with.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence

from bench.cost.prices import price_of
from bench.emulator import emulator
from bench.relay import HARAKA
from bench.smtp_peers import Absent
from bench.table import Row, print_table
from bench.whole_path import Spent, WholePath, by_operation, whole_path

MOST_CALLS = 4.5
MOST_WRITE_UNITS = 4.1
MOST_OF_HARAKA = 1.0
MESSAGES = 192
HTTP_MESSAGES = 48


def run(rounds: int = 5, earlier: Sequence[Row] = ()) -> list[Row]:
    """Measure; `earlier` are rows of this run, in which Haraka and our gateway are looked up. No rows without an
    emulator."""
    try:
        with emulator() as settings, whole_path(settings) as path:
            return measure(path, rounds, MESSAGES, HTTP_MESSAGES, earlier)
    except Absent as absent:
        print(f"{absent}: not measured", file=sys.stderr)
        return []


def measure(
    path: WholePath, rounds: int, by_smtp: int, by_http: int, earlier: Sequence[Row] = ()
) -> list[Row]:
    """Rows of both ways in; so many messages a round."""
    smtp, http = [], []
    for _ in range(rounds):
        smtp.append(path.by_smtp(by_smtp))
        http.append(path.by_http(by_http))
    return [
        *_counts("path, SMTP in commits of 64", smtp, targets=True),
        *_cpu("path, SMTP in commits of 64", smtp),
        *_against_haraka(smtp, earlier),
        *_counts("path, HTTP one by one", http, targets=False),
        *_cpu("path, HTTP one by one", http),
    ]


def _counts(label: str, rounds: Sequence[Spent], *, targets: bool) -> list[Row]:
    messages = sum(spent.messages for spent in rounds)
    calls = sum(spent.usage.total_calls for spent in rounds) / messages
    writes = sum(spent.usage.write_units for spent in rounds) / messages
    rows = [
        Row(
            f"{label}, AWS calls",
            calls,
            "/msg",
            None,
            f"<= {MOST_CALLS}" if targets else "",
            calls <= MOST_CALLS if targets else None,
        ),
        Row(
            f"{label}, DynamoDB writes",
            writes,
            "WRU/msg",
            None,
            f"<= {MOST_WRITE_UNITS}" if targets else "",
            writes <= MOST_WRITE_UNITS if targets else None,
        ),
    ]
    sums = {
        "DynamoDB reads": ("RRU/msg", sum(spent.usage.read_units for spent in rounds)),
        "bytes sent": ("B/msg", sum(spent.usage.bytes_sent for spent in rounds)),
        "bytes received": ("B/msg", sum(spent.usage.bytes_received for spent in rounds)),
        "list price": ("$/million", sum(price_of(spent.usage) * 1e6 for spent in rounds)),
    }
    rows += [Row(f"{label}, {name}", sum_ / messages, unit) for name, (unit, sum_) in sums.items()]
    rows += [
        Row(f"{label}, {name}", count, "/msg")
        for name, count in by_operation(rounds[-1].usage, rounds[-1].messages).items()
    ]
    return rows


def _cpu(label: str, rounds: Sequence[Spent]) -> list[Row]:
    accept = statistics.median(spent.accept_cpu / spent.messages for spent in rounds)
    deliver = statistics.median(spent.deliver_cpu / spent.messages for spent in rounds)
    return [
        Row(f"{label}, accepting", accept * 1_000, "CPU ms/msg"),
        Row(f"{label}, delivering", deliver * 1_000, "CPU ms/msg"),
    ]


def _against_haraka(rounds: Sequence[Spent], earlier: Sequence[Row]) -> list[Row]:
    """Our path plus the gateway's SMTP dialogue (the accept steps are then in twice) against Haraka."""
    haraka = _value(earlier, f"relay, {HARAKA}")
    gateway = _value(earlier, "accept 4 KiB, gateway")
    if haraka is None:
        return []
    ours = statistics.median(spent.cpu for spent in rounds) + (gateway or 0.0)
    ratio, target = ours / haraka, f"<= {MOST_OF_HARAKA}x"
    name = "path with gateway" if gateway else "path without the SMTP dialogue"
    return [Row(f"{name}, to Haraka", ours, "CPU ms/msg", ratio, target, ratio <= MOST_OF_HARAKA)]


def _value(rows: Sequence[Row], name: str) -> float | None:
    found = (row.value for row in rows if (row.name, row.unit) == (name, "CPU ms/msg"))
    return next(found, None)


if __name__ == "__main__":
    print_table(run())
