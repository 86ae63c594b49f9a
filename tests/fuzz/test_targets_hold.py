"""Each fuzz target holds for a while under the random mutator; `FUZZ_SECONDS` sets how long for all of them."""

from __future__ import annotations

import os

import pytest

from tests.fuzz.run import Mutator, run_target
from tests.fuzz.targets import TARGETS, Target, load

SECONDS = float(os.environ.get("FUZZ_SECONDS", "7"))


@pytest.mark.fuzz
@pytest.mark.parametrize("name", TARGETS)
def test_no_input_breaks_it(name: str) -> None:
    target = load(name)
    tried, failed = run_target(target, SECONDS / len(TARGETS))
    assert failed is None, f"{name} fails on {failed!r}"
    assert tried >= len(target.seeds)


def test_the_runner_finds_a_planted_fault() -> None:
    def brittle(data: bytes) -> None:
        assert b"\xff\xff" not in data

    target = Target("brittle", brittle, (b"abc",), (b"\xff", b"x"))
    _, failed = run_target(target, 20)
    assert failed is not None
    assert b"\xff\xff" in failed


def test_the_same_seed_makes_the_same_inputs() -> None:
    target = load("header")
    first, second = Mutator(target, 3), Mutator(target, 3)
    assert [first() for _ in range(50)] == [second() for _ in range(50)]
