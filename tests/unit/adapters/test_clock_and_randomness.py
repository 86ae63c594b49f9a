"""The system's clock follows its offset file; the controlled one follows its owner; seeds repeat."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from chalicelib.adapters.scripted.time import ControlledClock, SeededRand
from chalicelib.adapters.system.clock import SystemClock
from chalicelib.adapters.system.randomness import SystemRand
from chalicelib.config import Settings
from tests.patience import PATIENCE


def test_without_a_file_it_is_now() -> None:
    before = time.time()
    assert before <= SystemClock(Settings()).now() <= time.time()
    assert SystemClock(Settings()).monotonic() == pytest.approx(time.monotonic(), abs=PATIENCE)


def test_the_file_moves_the_clock_whenever_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SystemClock(Settings(clock_file=str(file)))
    assert clock.now() == pytest.approx(time.time(), abs=PATIENCE)
    for number, offset in enumerate(("3600", "-600.5", "259200\n")):
        file.write_text(offset)
        os.utime(file, ns=(number * 10**9, number * 10**9))
        assert clock.now() == pytest.approx(time.time() + float(offset), abs=PATIENCE)
    file.unlink()
    assert clock.now() == pytest.approx(time.time(), abs=PATIENCE)


def test_a_file_that_says_nothing_readable_keeps_the_last_offset(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    clock = SystemClock(Settings(clock_file=str(file)))
    file.write_text("3600")
    clock.now()
    file.write_text("half a num")
    assert clock.now() == pytest.approx(time.time() + 3600, abs=PATIENCE)
    file.write_text("7200.0")
    assert clock.now() == pytest.approx(time.time() + 7200, abs=PATIENCE)


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    file = tmp_path / "clock"
    file.write_text("3600")
    clock = SystemClock(Settings(clock_file=str(file)))
    clock.now()
    facts = file.stat()
    file.write_text("9999")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert clock.now() == pytest.approx(time.time() + 3600, abs=PATIENCE)


async def test_the_system_clock_waits() -> None:
    clock = SystemClock(Settings())
    started = clock.monotonic()
    await clock.sleep(0.02)
    assert clock.monotonic() - started >= 0.015


async def test_sleeping_moves_a_controlled_clock() -> None:
    clock = ControlledClock(1_000)
    await clock.sleep(120)
    assert (clock.now(), clock.monotonic()) == (1_120, 120)


async def test_a_sleeper_wakes_when_the_clock_is_far_enough() -> None:
    clock = ControlledClock(1_000, self_moving=False)
    sleeper = asyncio.create_task(clock.sleep(60))
    await asyncio.sleep(0)
    clock.advance(59)
    await asyncio.sleep(0)
    assert not sleeper.done()
    clock.advance(1)
    await asyncio.wait_for(sleeper, PATIENCE)
    assert clock.now() == 1_060


def test_randomness() -> None:
    assert SeededRand(7).bytes(16) == SeededRand(7).bytes(16) != SeededRand(8).bytes(16)
    for rand in (SeededRand(1), SystemRand()):
        assert len({rand.bytes(16) for _ in range(50)}) == 50
        values = [rand.uniform() for _ in range(200)]
        assert all(0 <= value < 1 for value in values)
        assert min(values) < 0.3
        assert max(values) > 0.7
