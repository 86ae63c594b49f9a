"""Counting guesses: what is remembered of whom, for how long, and that it stays small."""

from __future__ import annotations

import asyncio

from gateway import guesses
from gateway.guesses import MOST_REMEMBERED, MOST_WAITING, Guesses


class Clock:
    """Stands still."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def made(rate: float = 0.0, most: int = 2) -> tuple[Guesses, Clock]:
    clock = Clock()
    return Guesses(most, 600.0, rate, clock), clock


async def test_failures_count_for_their_client_and_their_time() -> None:
    counted, clock = made()
    for _ in range(2):
        assert await counted.turn("a")
        counted.note("a")
    assert not await counted.turn("a")
    assert await counted.turn("b")
    clock.now = 601.0
    assert await counted.turn("a")


def test_one_failure_is_spared_in_a_window() -> None:
    counted, clock = made()
    assert counted.spare("a")
    assert not counted.spare("a")
    assert counted.spare("b")
    clock.now = 601.0
    assert counted.spare("a")


def test_what_came_in_is_known_from_there_alone() -> None:
    counted, _ = made()
    counted.remember("a", "key")
    assert counted.knows("a", "key")
    assert not counted.knows("b", "key")
    counted.forget("a", "key")
    assert not counted.knows("a", "key")


def test_memory_is_bounded() -> None:
    counted, _ = made()
    for number in range(MOST_REMEMBERED + 50):
        counted.note(f"client {number}")
        counted.remember("a", f"key {number}")
    assert len(counted._by_client) == len(counted._known) == MOST_REMEMBERED
    assert not counted.knows("a", "key 0")
    assert counted.knows("a", f"key {MOST_REMEMBERED + 49}")


async def test_the_line_has_an_end_and_lines_are_apart() -> None:
    counted, _ = made(rate=0.001, most=1)
    counted.note("a")
    assert await counted.turn("a")
    waiting = [asyncio.ensure_future(counted.turn("a")) for _ in range(MOST_WAITING)]
    await asyncio.sleep(0)
    assert not await counted.turn("a")
    assert await counted.turn("a", "a name that is known")
    assert await counted.turn("b")
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert counted._by_client["a"].turns[""].waiting == 0


async def test_turns_come_in_order() -> None:
    counted, _ = made(rate=200, most=1)
    counted.note("a")
    order: list[int] = []

    async def attempt(number: int) -> None:
        assert await counted.turn("a")
        order.append(number)

    begin = guesses.real_time()
    await asyncio.gather(*(attempt(number) for number in range(10)))
    assert order == list(range(10))
    assert guesses.real_time() - begin >= 9 / 200
