"""What the store alone costs: SQLite and segments, durable, without gateway and delivery; on the disk of this run.

A message's whole cycle (accept, receive, claim, finish, delete) in batches of 64: first the statements alone, as one
run of the program gave them, over apsw and over the standard library's `sqlite3`; then all of the family's code over
both: CPU of both threads. Then callers that store one message after the other and wait for each, in the quickest of up
to three rounds: transactions and fsyncs a message, and how long the slowest in a hundred waited, in fdatasyncs of this
disk.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

from bench.disk import Disk, durable_disk, percentile
from bench.smtp_peers import ROOT, Absent
from bench.statements import BATCHES, cpu_of_statements
from bench.stdlib_driver import StdlibMailDatabase
from bench.store_work import BATCH, Store
from bench.table import Row, bounded, print_table
from chalicelib.adapters.sqlite.folder import StateFolder
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.config import Settings

MOST_OF_STDLIB = 0.75
MOST_TRANSACTIONS, MOST_FSYNCS = 0.25, 0.5
# Processes, callers of each, and the most fdatasyncs that one in a hundred may wait.
CROWDS = ((1, 20, None), (1, 50, 15), (4, 50, 40))
MESSAGES = 3_000


def run(rounds: int = 5) -> list[Row]:
    """Measure; no rows where there is no disk."""
    return measure(rounds, MESSAGES)


def measure(rounds: int, messages: int) -> list[Row]:
    """Rows of the cycle and of each crowd, which stores so many messages."""
    with tempfile.TemporaryDirectory(prefix="posthorn-store-") as base:
        try:
            disk = durable_disk(Path(base))
        except Absent as absent:
            print(f"store: not measured: {absent}", file=sys.stderr)
            return []
        rows = [*disk.rows(), *_statements(Path(base), 2 * rounds), *_cycles(Path(base), rounds)]
        for crowd, (processes, callers, most) in enumerate(CROWDS):
            folders = [Path(base) / f"crowd{crowd}-{number}" for number in range(min(rounds, 3))]
            done = [_crowd(folder, processes, callers, messages) for folder in folders]
            label = f"accept, {processes} x {callers} callers"
            rows += crowd_rows(label, disk, min(done, key=slowest), most)
        return rows


def _statements(base: Path, rounds: int) -> list[Row]:
    best = cpu_of_statements(base, rounds)
    ratio = best["apsw"] / best["stdlib"]
    target = f"<= {MOST_OF_STDLIB}x stdlib sqlite3"
    name = "store cycle, its statements alone"
    return [
        Row(name, best["apsw"] * 1e6, "CPU us/msg", ratio, target, ratio <= MOST_OF_STDLIB),
        Row(f"{name}, stdlib sqlite3", best["stdlib"] * 1e6, "CPU us/msg"),
    ]


def _cycles(base: Path, rounds: int) -> list[Row]:
    """CPU of a message's cycle with both drivers, each the best of interleaved rounds."""
    ours = Store(base / "apsw")
    Store(base / "stdlib")  # makes the schema
    settings = Settings(state_folder=str(base / "stdlib"))
    stdlib = Store(base / "stdlib", {MailDatabase: StdlibMailDatabase(StateFolder(settings))})
    taken: dict[str, list[float]] = {"apsw": [], "stdlib": []}
    first = 1
    for _ in range(rounds + 1):
        for name, store in (("apsw", ours), ("stdlib", stdlib)):
            taken[name].append(_cpu_of(_batches(store, first)) / (BATCHES * BATCH))
        first += BATCHES * BATCH
    best = {name: min(times[1:]) for name, times in taken.items()}
    ratio = best["apsw"] / best["stdlib"]
    return [
        Row("store cycle, batches of 64", best["apsw"] * 1e6, "CPU us/msg", ratio),
        Row("store cycle, over stdlib sqlite3", best["stdlib"] * 1e6, "CPU us/msg"),
    ]


async def _batches(store: Store, first: int) -> None:
    for number in range(first, first + BATCHES * BATCH, BATCH):
        await store.cycle(range(number, number + BATCH))


def _cpu_of(work: Coroutine[Any, Any, None]) -> float:
    begin = time.process_time()
    asyncio.run(work)
    return time.process_time() - begin


def _crowd(folder: Path, processes: int, callers: int, messages: int) -> list[dict[str, Any]]:
    """What callers that store at the same time, in so many processes, have waited and done."""
    Store(folder)  # makes the schema
    each = messages // processes
    running = [_started(folder, callers, each, number) for number in range(processes)]
    for process in running:
        assert process.stdout
        if process.stdout.readline() != "ready\n":
            raise RuntimeError(f"storing failed: {process.communicate()[1][-500:]}")
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    return [json.loads(process.communicate(timeout=300)[0]) for process in running]


def _started(folder: Path, callers: int, messages: int, number: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bench.store_work", str(folder), "--callers", str(callers)]
    command += ["--messages", str(messages), "--first", str(1 + number * (messages + 1))]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, cwd=ROOT, text=True)


def slowest(done: Sequence[dict[str, Any]]) -> float:
    """Seconds that one in a hundred callers waited at least."""
    return percentile(sorted(seconds for one in done for seconds in one["waited"]), 0.99)


def crowd_rows(
    label: str, disk: Disk, done: Sequence[dict[str, Any]], most: int | None
) -> list[Row]:
    """Rows of what each process printed."""
    messages, p99 = sum(len(one["waited"]) for one in done), slowest(done)
    transactions = sum(one["transactions"] for one in done) / messages
    fsyncs = sum(one["fsyncs"] for one in done) / messages
    slow = f"{label}, p99 of {p99 * 1_000:.0f} ms in fdatasyncs"
    return [
        bounded(f"{label}, transactions", transactions, "/msg", MOST_TRANSACTIONS),
        bounded(f"{label}", fsyncs, "fsyncs/msg", MOST_FSYNCS),
        bounded(slow, p99 / disk.median, "x", most) if most else Row(slow, p99 / disk.median, "x"),
    ]


if __name__ == "__main__":
    print_table(run())
