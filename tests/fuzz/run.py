"""Runs the fuzz targets: `python -m tests.fuzz.run --seconds 60 [--target mime] [--seed 1]`.

With atheris installed it drives (coverage-guided, one process a target); without, a seeded random mutator does. An
input that makes a target raise, or take more than five seconds, is written to a file and ends the run with status 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import random
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Any

from tests.fuzz.targets import TARGETS, Target, load

LARGEST = 16_384
SLOWEST_SECONDS = 5.0


class Mutator:
    """Random changes to known inputs, the same for the same seed."""

    def __init__(self, target: Target, seed: int) -> None:
        self._random = random.Random(f"{target.name} {seed}")
        self._pool = list(target.seeds)
        self._words = target.words or (b"\x00", b"\xff", b"\r\n")

    def __call__(self) -> bytes:
        """The next input, at most `LARGEST` bytes."""
        data = self._random.choice(self._pool)[:LARGEST]
        for _ in range(self._random.choice((1, 1, 2, 3, 5, 8))):
            data = self._change(data)[:LARGEST]
        if self._random.random() < 0.01 and len(self._pool) < 1_000:
            self._pool.append(data)
        return data

    def _change(self, data: bytes) -> bytes:
        rand = self._random
        start = rand.randint(0, len(data))
        end = min(len(data), start + rand.choice((0, 1, 4, 40, 400)))
        piece = data[start:end]
        middle = rand.choice(
            (
                b"",
                rand.choice(self._words),
                rand.choice(self._words) * rand.choice((2, 30, 2_000)),
                piece * rand.choice((2, 3, 50)),
                bytes([rand.randrange(256)]),
                rand.choice(self._pool)[:400],
                piece[::-1],
                piece.swapcase(),
            )
        )
        return data[:start] + middle + data[end:]


def run_target(target: Target, seconds: float, seed: int = 0) -> tuple[int, bytes | None]:
    """How many inputs were tried, and the input that failed (None: none did). Seeds come first."""
    mutate, tried, deadline = Mutator(target, seed), 0, time.monotonic() + seconds
    pending = list(target.seeds)
    while pending or time.monotonic() < deadline:
        data = pending.pop() if pending else mutate()
        tried += 1
        if fails(target, data):
            return tried, data
    return tried, None


def fails(target: Target, data: bytes) -> bool:
    """True when the target raises or hangs on this input; says why on standard error."""
    begin = time.process_time()
    try:
        target.run(data)
    except Exception:  # whatever it is, it is what fuzzing looks for
        traceback.print_exc()
        return True
    taken = time.process_time() - begin
    if taken > SLOWEST_SECONDS:
        print(f"{target.name}: {taken:.1f} s for {len(data)} bytes", file=sys.stderr)
    return taken > SLOWEST_SECONDS


def _keep(target: Target, data: bytes) -> Path:
    digest = hashlib.sha256(data).hexdigest()[:12]
    path = Path(tempfile.gettempdir()) / f"fuzz-{target.name.replace(' ', '-')}-{digest}"
    path.write_bytes(data)
    return path


def _with_atheris(name: str, seconds: float, seed: int) -> None:
    """Does not return: atheris ends the process."""
    atheris: Any = importlib.import_module("atheris")  # has no types
    with atheris.instrument_imports(include=["chalicelib", "gateway"]):
        target = load(name)
    with tempfile.TemporaryDirectory() as folder:
        for number, data in enumerate(target.seeds):
            (Path(folder) / str(number)).write_bytes(data)
        options = [
            f"-max_total_time={int(seconds)}",
            f"-max_len={LARGEST}",
            f"-seed={seed + 1}",
            "-timeout=5",
        ]
        atheris.Setup([sys.argv[0], *options, folder], target.run)
        atheris.Fuzz()


def main(arguments: list[str]) -> int:
    """The command; 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.run", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--atheris", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    names = options.target or list(TARGETS)
    share = options.seconds / len(names)
    if options.atheris:
        _with_atheris(names[0], share, options.seed)
    guided = importlib.util.find_spec("atheris") is not None
    run = _guided if guided else _random
    return max([run(name, share, options.seed) for name in names])


def _guided(name: str, seconds: float, seed: int) -> int:
    command = [sys.executable, "-m", "tests.fuzz.run", "--atheris", "--target", name]
    return subprocess.run(
        [*command, "--seconds", str(seconds), "--seed", str(seed)], check=False
    ).returncode


def _random(name: str, seconds: float, seed: int) -> int:
    target = load(name)
    tried, failed = run_target(target, seconds, seed)
    verdict = "ok" if failed is None else f"FAILED, input in {_keep(target, failed)}"
    print(f"{name}: {tried} inputs, {verdict}")
    return 0 if failed is None else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
