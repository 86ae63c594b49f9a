"""The controlled clock keeps time as the system's does, except that it needs none."""

from __future__ import annotations

import asyncio

import pytest

from chalicelib.adapters.families import FAMILIES
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.clock import Clock
from tests.patience import PATIENCE

YEAR_2024 = 1_704_067_200


@pytest.fixture(params=FAMILIES)
def clock(request: pytest.FixtureRequest) -> Clock:
    """The clock of one family after the other."""
    return Posthorn(Settings(), request.param)[Clock]


async def test_time_passes_while_one_sleeps(clock: Clock) -> None:
    assert clock.now() > YEAR_2024
    now, monotonic = clock.now(), clock.monotonic()
    await clock.sleep(0.02)
    # A clock may count in coarser steps than the event loop's timer.
    assert clock.monotonic() - monotonic >= 0.015
    assert clock.now() - now >= 0.01


@pytest.mark.parametrize("seconds", [0, -5.0])
async def test_sleeping_for_nothing_gives_way_and_takes_no_time(
    clock: Clock, seconds: float
) -> None:
    others: list[str] = []
    asyncio.get_running_loop().call_soon(others.append, "ran")
    before = clock.monotonic()
    await clock.sleep(seconds)
    assert 0 <= clock.monotonic() - before < PATIENCE
    assert others == ["ran"]


async def test_sleepers_wake_in_the_order_of_their_times(clock: Clock) -> None:
    woken: list[float] = []

    async def sleep(seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    await asyncio.gather(sleep(0.01), sleep(0.04))
    assert woken == [0.01, 0.04]
