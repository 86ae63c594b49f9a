"""Batches: what is stored together, when a batch starts, and that nobody is told a lie or kept waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from chalicelib.domain.errors import TemporaryFailure
from chalicelib.services.outgoing.submission import Prepared
from gateway.groupcommit import GroupCommit
from tests.patience import PATIENCE


@dataclass
class Body:
    """As much of a prepared message as a committer looks at."""

    body: bytes = b"x"
    recipients: int = 1


def prepared(size: int = 1) -> Prepared:
    return Body(b"x" * size)  # type: ignore[return-value]


class Store:
    """Remembers batches; each waits for the gate."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.running = 0
        self.most_running = 0
        self.gate = asyncio.Event()
        self.error: BaseException | None = None

    async def __call__(self, batch: Sequence[Prepared]) -> None:
        self.batches.append(len(batch))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
            if self.error is not None:
                raise self.error
        finally:
            self.running -= 1


def ignore(_: Exception) -> None:
    """Faults are not looked at."""


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_parts_of_a_message_are_stored_together_or_refused_together() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, messages=2)
    adding = asyncio.ensure_future(committer.add(prepared(), prepared(), prepared()))
    await settle()
    assert store.batches == [3]
    assert not adding.done()
    store.error = TemporaryFailure("away")
    store.gate.set()
    with pytest.raises(TemporaryFailure):
        await adding
    assert committer.held == 0


async def test_a_lone_message_is_stored_at_once() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=100.0)
    waiting = asyncio.ensure_future(committer.add(prepared()))
    await settle()
    assert store.batches == [1]
    assert not waiting.done()
    store.gate.set()
    await asyncio.wait_for(waiting, PATIENCE)


async def test_messages_gather_while_a_commit_runs() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=100.0)
    tasks = [asyncio.ensure_future(committer.add(prepared()))]
    await settle()
    tasks += [asyncio.ensure_future(committer.add(prepared())) for _ in range(5)]
    await settle()
    assert store.batches == [1]
    store.gate.set()
    await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
    assert store.batches == [1, 5]


async def test_no_message_waits_longer_than_told() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=0.01)
    tasks = [asyncio.ensure_future(committer.add(prepared()))]
    await settle()
    tasks += [asyncio.ensure_future(committer.add(prepared())) for _ in range(3)]
    async with asyncio.timeout(PATIENCE):
        while store.batches != [1, 3]:
            await asyncio.sleep(0.002)
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.batches == [1, 3]


@pytest.mark.parametrize(("count", "size"), [(4, 1), (2, 60)])
async def test_a_full_batch_starts_at_once(count: int, size: int) -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=100.0, messages=4, size=100)
    first = asyncio.ensure_future(committer.add(prepared()))
    await settle()
    tasks = [asyncio.ensure_future(committer.add(prepared(size))) for _ in range(count)]
    await settle()
    assert store.batches == [1, count]
    store.gate.set()
    await asyncio.gather(first, *tasks)


async def test_commits_in_flight_are_bounded_and_all_end() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=0.0, messages=2, in_flight=3)
    tasks = [asyncio.ensure_future(committer.add(prepared())) for _ in range(40)]
    await settle()
    assert store.running == 3
    store.gate.set()
    await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
    assert sum(store.batches) == 40
    assert store.most_running == 3


@pytest.mark.parametrize("error", [TemporaryFailure("away"), ValueError("bug")])
async def test_a_failed_batch_fails_all_its_messages_and_no_other(error: Exception) -> None:
    store, faults = Store(), list[Exception]()
    committer = GroupCommit(store, faults.append, wait=100.0)
    store.error = error
    store.gate.set()
    failed = [asyncio.ensure_future(committer.add(prepared())) for _ in range(3)]
    results = await asyncio.wait_for(asyncio.gather(*failed, return_exceptions=True), PATIENCE)
    assert [type(result) for result in results] == [TemporaryFailure] * 3
    assert len({id(result) for result in results}) == 3
    assert faults == ([error] if isinstance(error, ValueError) else [])
    store.error = None
    await asyncio.wait_for(committer.add(prepared()), PATIENCE)


async def test_a_cancelled_commit_is_no_success() -> None:
    store = Store()
    committer = GroupCommit(store, ignore)
    waiting = asyncio.ensure_future(committer.add(prepared()))
    await settle()
    (commit,) = committer._commits
    commit.cancel()
    with pytest.raises(TemporaryFailure):
        await asyncio.wait_for(waiting, PATIENCE)


async def test_a_client_that_leaves_does_not_stop_the_commit() -> None:
    store = Store()
    committer = GroupCommit(store, ignore)
    gone, stays = [asyncio.ensure_future(committer.add(prepared())) for _ in range(2)]
    await settle()
    gone.cancel()
    store.gate.set()
    await asyncio.wait_for(stays, PATIENCE)
    assert store.batches == [2]


async def test_draining_waits_for_everything() -> None:
    store = Store()
    committer = GroupCommit(store, ignore, wait=100.0)
    tasks = [asyncio.ensure_future(committer.add(prepared()))]
    await settle()
    tasks += [asyncio.ensure_future(committer.add(prepared())) for _ in range(2)]
    draining = asyncio.ensure_future(committer.drain())
    await settle()
    assert not draining.done()
    store.gate.set()
    await asyncio.wait_for(draining, PATIENCE)
    assert all(task.done() for task in tasks)
