"""A function in a process of its own, as Lambda runs it: one event after the other, and how much memory it took.

The child imports the handler that the template names and nothing of the tests; events travel as JSON lines. `peak` is
the most that was resident at any time (VmHWM), in MiB, which is what Lambda ends a function for.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.templates import load

ROOT = Path(__file__).resolve().parents[1]
HANG_SECONDS = 600
_CHILD = """
import importlib, json, sys, types
answers, sys.stdout = sys.stdout, sys.stderr
module, _, name = sys.argv[1].rpartition(".")
handler = getattr(importlib.import_module(module), name)
context = types.SimpleNamespace(
    aws_request_id="lambda-1", get_remaining_time_in_millis=lambda: 250_000, function_name="f"
)
print("{}", file=answers, flush=True)
for line in sys.stdin:
    event = json.loads(line)
    del line
    answer = handler(event, context)
    del event
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps({"answer": answer, "peak": peak / 1024}), file=answers, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Called:
    """What a function answered, and the peak of its process until then in MiB."""

    answer: Any
    peak: float


class LambdaProcess:
    """A running function."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._read()  # it is loaded

    def call(self, event: Mapping[str, Any]) -> Called:
        """Hand over one event. AssertionError when the process ends."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(event) + "\n")
        self._process.stdin.flush()
        return Called(**self._read())

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the function's process ended with {self._process.wait(HANG_SECONDS)}"
        return json.loads(line)


@contextlib.contextmanager
def lambda_process(
    handler: str, variables: Mapping[str, str], log: Path
) -> Iterator[LambdaProcess]:
    """The function `handler` ("functions.sweep.sweep", or "functions.api.app") until the end of the block."""
    environment = {
        **os.environ,
        **variables,
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with log.open("w") as lines:
        process = subprocess.Popen(
            [sys.executable, "-c", _CHILD, handler],
            env=environment,
            cwd=log.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
        )
        try:
            yield LambdaProcess(process)
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def memory_of(function: str) -> int:
    """The memory that a function of the template has, in MiB."""
    resource = load("functions.merge.yaml")["Resources"][function]
    return int(resource["Properties"]["MemorySize"])
