"""Every listed benchmark exists and can be called as the command line calls it."""

from __future__ import annotations

import importlib
import inspect

import pytest

from bench.__main__ import BENCHMARKS


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_benchmark_runs_with_what_the_command_line_gives(name: str) -> None:
    run = importlib.import_module(f"bench.{name}").run
    parameters = inspect.signature(run).parameters.values()
    assert {each.name for each in parameters} <= {"rounds", "seconds", "earlier", "events"}
    assert all(each.default is not inspect.Parameter.empty for each in parameters)
