"""Waves of released mail grow until they stay in the queue, and then keep the queue short."""

from __future__ import annotations

import pytest

from chalicelib.services.jobs import pace


def played(rate: float, delay: float, waves: int = 60) -> list[tuple[int, float]]:
    """Waves to an installation that sends so many a second, and each after a delay: their sizes and seconds."""
    size, least = pace.FIRST, 0.0
    seen = []
    for _ in range(waves):
        took = delay + size / rate
        seen.append((size, took))
        size, least = pace.next_wave(size, took, least)
    return seen


@pytest.mark.parametrize(("rate", "delay"), [(50, 0.05), (150, 0.05), (1_000, 0.02), (400, 1.5)])
def test_a_wave_is_never_long_in_the_queue(rate: float, delay: float) -> None:
    waves = played(rate, delay)
    alone = delay + pace.LEAST / rate
    assert max(took for _, took in waves[10:]) <= 3 * alone + 0.5
    assert min(size for size, _ in waves) >= pace.LEAST


def test_many_workers_get_large_waves() -> None:
    assert played(10_000, 1.5)[-1][0] == pace.MOST


def test_an_installation_that_becomes_slow_gets_small_waves() -> None:
    size, least = pace.MOST, 0.1
    for _ in range(10):
        size, least = pace.next_wave(size, 5.0, least)
    assert size == pace.LEAST


def test_a_wave_is_known_by_some_of_it() -> None:
    wave = [[number, 1] for number in range(200)]
    assert pace.looked_at(wave) == wave[::4]
    assert pace.looked_at(wave[:50]) == wave[:50]
    assert pace.looked_at([]) == []
