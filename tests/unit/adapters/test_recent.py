"""The cache in front of the configuration: what it keeps, for how long, and when it reads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.storage import recent
from chalicelib.adapters.storage.recent import RecentConfiguration
from chalicelib.bootstrap import in_memory
from chalicelib.domain.errors import NotFound, TemporaryFailure
from chalicelib.domain.tenancy.organizations import ORGANIZATIONS
from chalicelib.ports.repository import Repository
from tests.fakes import NOW, an_organization


class Asked:
    """A question whose reads are counted, and wait for `allowed`."""

    def __init__(self, *answers: str | Exception) -> None:
        self.answers = list(answers)
        self.reads = 0
        self.allowed = asyncio.Event()
        self.allowed.set()

    async def read(self) -> str:
        self.reads += 1
        answer = self.answers[min(self.reads, len(self.answers)) - 1]
        await self.allowed.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def clock() -> ControlledClock:
    return ControlledClock(NOW)


@pytest.fixture
def repository() -> Repository:
    return in_memory()[Repository]


Ask = Callable[[Asked], Awaitable[str | None]]


@pytest.fixture
def ask(repository: Repository, clock: ControlledClock) -> Ask:
    cache = RecentConfiguration(repository, clock)
    return lambda asked: cache.ask("question", asked.read)


async def test_an_answer_is_kept_for_thirty_seconds(ask: Ask, clock: ControlledClock) -> None:
    asked = Asked("first", "second")
    for seconds, expected in ((0, "first"), (29, "first"), (1, "second")):
        clock.advance(seconds)
        assert await ask(asked) == expected


@pytest.mark.parametrize("absent", [NotFound("no"), ""])
async def test_what_is_absent_is_asked_for_again_after_two(
    ask: Ask, clock: ControlledClock, absent: str | Exception
) -> None:
    asked = Asked(absent, "there")
    assert not await ask(asked)
    clock.advance(1)
    assert not await ask(asked)
    clock.advance(1)
    assert await ask(asked) == "there"
    assert asked.reads == 2


async def test_a_failure_is_not_kept(ask: Ask) -> None:
    asked = Asked(TemporaryFailure("away"), "there")
    with pytest.raises(TemporaryFailure):
        await ask(asked)
    assert await ask(asked) == "there"


async def test_a_caller_that_gives_up_leaves_the_answer_to_the_others(ask: Ask) -> None:
    asked = Asked("answer")
    asked.allowed.clear()
    first, second = (asyncio.ensure_future(ask(asked)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    asked.allowed.set()
    assert await second == "answer"
    assert asked.reads == 1


async def test_what_was_read_before_a_change_is_not_kept(ask: Ask, repository: Repository) -> None:
    asked = Asked("before", "after")
    asked.allowed.clear()
    early = asyncio.ensure_future(ask(asked))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asked.reads == 1
    await repository.add(ORGANIZATIONS, an_organization())
    asked.allowed.set()
    assert await early == "before"
    assert await ask(asked) == "after"


async def test_what_is_asked_for_now_waits_for_no_older_read(
    repository: Repository, clock: ControlledClock
) -> None:
    """One that began before may have missed what happened since."""
    cache = RecentConfiguration(repository, clock)
    before, now = Asked("before"), Asked("now")
    before.allowed.clear()
    early = asyncio.ensure_future(cache.ask("question", before.read))
    await asyncio.sleep(0)
    assert await cache.ask_now("question", now.read) == "now"
    before.allowed.set()
    assert await early == "before"
    assert await cache.ask("question", before.read) == "now"
    assert await cache.ask_now("question", Asked("later").read) == "later"
    assert await cache.ask_now("question", Asked(NotFound("no")).read) is None


async def test_many_guesses_do_not_fill_the_memory(
    repository: Repository, clock: ControlledClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent, "MOST_KEPT", 3)
    cache = RecentConfiguration(repository, clock)
    for guess in range(10):
        assert await cache.ask(guess, Asked("answer").read) == "answer"
        assert len(cache._kept) <= 3
