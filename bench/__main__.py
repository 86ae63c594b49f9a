"""`python -m bench [name …]`: run the benchmarks one after the other and print one table of ratios and targets.

A missed target is a line that says MISSED, not a failure: machines are noisy. The exit code is 1 only when a benchmark
broke. A peer that is not installed is named on standard error and not compared.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import sys
import time
import traceback
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.table import Row, print_table

GATEWAY = Path(__file__).resolve().parent.parent / "smtp-gateway"
# In this order, because `path` compares itself with what `accept` and `relay` found.
BENCHMARKS = {
    "sign": "DKIM signatures against OpenSSL and dkimpy",
    "parse": "reading messages against the email package",
    "reports": "causes of refusals against one regular expression of all rules",
    "accept": "the gateway's accept against aiosmtpd, Postfix and Haraka",
    "verify": "incoming mail with SPF, DKIM and DMARC checked, against Postfix + opendkim + opendmarc",
    "client": "the delivering client against aiosmtplib",
    "dns": "MX look-ups against dnspython",
    "relay": "posthorn serve, accept, sign and deliver, against memory, Postfix + opendkim, Haraka, stock Python",
    "store": "the store alone against stdlib sqlite3: cycle, transactions, fsyncs, waiting",
    "million": "a million messages on one host (BENCH_MESSAGES): lists, maintenance, start, space",
    "suppressions": "a million suppressed recipients on one host (BENCH_SUPPRESSIONS): import, look-up, pages",
    "jobs": "a hundred thousand messages released by a job (BENCH_JOBS), and fresh mail meanwhile",
    "pages": "the time to the first byte of pages of the dashboard against /health",
    "webhooks": "webhooks to a receiver that answers at once, and beside 50 that hang",
    "hanging": "another tenant's events behind 10,000 for 50 webhooks that hang (BENCH_HANGING), files and AWS",
    "path": "the whole path on the AWS emulator: calls, bytes, units, CPU",
}


def arguments() -> argparse.ArgumentParser:
    """The command line."""
    listed = "\n".join(f"  {name:9}{what}" for name, what in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m bench",
        description="Measure speed and cost as ratios within one run.",
        epilog=f"benchmarks (all of them unless named):\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="name", help="a benchmark of the list below")
    parser.add_argument("--rounds", type=int, help="interleaved rounds, of which the median counts")
    parser.add_argument("--seconds", type=float, help="aimed length of one load in a round")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    return parser


def run(name: str, chosen: dict[str, Any]) -> list[Row]:
    """The rows of one benchmark, given those of `chosen` that its `run` takes."""
    entry = importlib.import_module(f"bench.{name}").run
    known = inspect.signature(entry).parameters
    rows: list[Row] = entry(**{key: value for key, value in chosen.items() if key in known})
    return rows


def main(argv: Sequence[str] | None = None) -> int:
    """0 when every benchmark ran to its end, 1 when one broke, 2 for a wrong command line."""
    parser = arguments()
    given = parser.parse_args(argv)
    unknown = [name for name in given.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"there is no benchmark {unknown[0]!r}")
    sys.path.insert(0, str(GATEWAY))
    rows: list[Row] = []
    chosen: dict[str, Any] = {"rounds": given.rounds, "seconds": given.seconds}
    chosen = {key: value for key, value in chosen.items() if value is not None}
    broken = 0
    for name in [name for name in BENCHMARKS if not given.names or name in given.names]:
        print(f"{name}: {BENCHMARKS[name]} …", file=sys.stderr, flush=True)
        begin = time.monotonic()
        try:
            rows += run(name, {**chosen, "earlier": tuple(rows)})
        except Exception:  # one broken benchmark must not take the others' results away
            traceback.print_exc()
            print(f"{name}: broken", file=sys.stderr)
            broken = 1
        else:
            print(f"{name}: {time.monotonic() - begin:.0f} s", file=sys.stderr, flush=True)
    if given.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
    else:
        print_table(rows)
    return broken


if __name__ == "__main__":
    sys.exit(main())
