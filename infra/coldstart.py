"""How long each function takes to be imported from the unpacked zip by a Python that has nothing else.

Each figure is the least of fresh processes (`python -I -S`: no site-packages, no variables, no current folder), because
a busy machine only adds to it; in milliseconds of wall and of processor time. It is not Lambda's own cold start, which
adds loading the zip.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.archive import NotPackaged

RUNS = 5
# The most processor time that importing a handler may take, in milliseconds. Readers wait for
# the tracking function, and people for views.
BUDGETS = {
    "functions.deliver.deliver": 350,
    "functions.incoming.incoming": 350,
    "functions.jobs.jobs": 350,
    "functions.sweep.sweep": 350,
    "functions.tracking.tracking": 100,
    "functions.upkeep.upkeep": 350,
    "functions.view.view": 150,
    "functions.webhooks.webhooks": 350,
}
_PROBE = """
import sys, time
sys.path.insert(0, sys.argv[1])
wall, cpu = time.perf_counter(), time.process_time()
import importlib
module, _, name = sys.argv[2].rpartition(".")
handler = getattr(importlib.import_module(module), name)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
import json
foreign = sorted({m.__file__ for m in list(sys.modules.values())
                  if "site-packages" in (getattr(m, "__file__", None) or "")})
print(json.dumps([wall * 1000, cpu * 1000, callable(handler), foreign]))
"""


@dataclass(frozen=True, slots=True)
class ColdStart:
    """The least import time of one handler in milliseconds."""

    handler: str
    wall: float
    processor: float


def over_budget(starts: Sequence[ColdStart]) -> list[ColdStart]:
    """Those that take longer than their budget."""
    return [one for one in starts if one.processor > BUDGETS.get(one.handler, one.processor)]


def measure(unpacked: Path, handlers: Sequence[str], runs: int = RUNS) -> list[ColdStart]:
    """One figure for each handler string, in the order given; NotPackaged names one that fails, and Python's reason."""
    return [_measure(unpacked, handler, runs) for handler in handlers]


def _measure(unpacked: Path, handler: str, runs: int) -> ColdStart:
    walls, processors = [], []
    for _ in range(runs):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-B", "-c", _PROBE, str(unpacked), handler],
            capture_output=True,
            text=True,
            check=False,
            env={},
            cwd="/",
        )
        if done.returncode:
            reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise NotPackaged(f"{handler} does not import from the zip: {reason}")
        wall, processor, is_callable, foreign = json.loads(done.stdout)
        if foreign or not is_callable:
            raise NotPackaged(f"{handler} is no handler, or came from outside the zip: {foreign}")
        walls.append(wall)
        processors.append(processor)
    return ColdStart(handler, min(walls), min(processors))
