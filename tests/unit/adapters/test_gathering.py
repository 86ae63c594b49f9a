"""Operations gather into a transaction as long as each turn of the loop brings one, and wait no longer than that."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from chalicelib.adapters.sqlite import gathering
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.mail_schema import MailDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from tests.patience import PATIENCE


@pytest.fixture
def database(tmp_path: Path) -> MailDatabase:
    return Posthorn(Settings(state_folder=str(tmp_path / "state")), "sqlite")[MailDatabase]


async def move(database: MailDatabase, name: str) -> None:
    await database.write(
        lambda db: fetched(db, "INSERT OR REPLACE INTO positions VALUES (?, 1)", (name,))
    )


async def test_what_comes_turn_after_turn_is_one_transaction(
    database: MailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LEAST_GATHER_SECONDS", PATIENCE)
    tasks = []
    for number in range(20):
        tasks.append(asyncio.create_task(move(database, str(number))))
        await asyncio.sleep(0)
    await asyncio.gather(*tasks)
    assert database.transactions == 1


async def test_nobody_waits_once_a_turn_brings_nothing(
    database: MailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LEAST_GATHER_SECONDS", 10 * PATIENCE)
    async with asyncio.timeout(PATIENCE):
        for _ in range(3):
            await move(database, "one")
    assert database.transactions == 3


async def test_what_did_not_fit_into_one_transaction_is_the_next(
    database: MailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LEAST_GATHER_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(gathering, "MOST_TOGETHER", 3)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(move(database, str(number)) for number in range(8)))
    assert database.transactions == 3


async def test_enough_operations_do_not_wait_for_a_turn_that_brings_nothing(
    database: MailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LEAST_GATHER_SECONDS", 10 * PATIENCE)
    monkeypatch.setattr(gathering, "ENOUGH_TOGETHER", 5)
    done = asyncio.Event()

    async def work(number: int) -> None:
        await move(database, str(number))
        done.set()

    tasks = []
    async with asyncio.timeout(PATIENCE):
        while not done.is_set():
            tasks.append(asyncio.create_task(work(len(tasks))))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)


def test_a_loop_that_ended_while_it_gathered_leaves_the_next_one_as_it_was(
    database: MailDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "LEAST_GATHER_SECONDS", 10 * PATIENCE)

    async def begin() -> None:
        task = asyncio.create_task(move(database, "one"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(begin())
    asyncio.run(asyncio.wait_for(move(database, "two"), PATIENCE))
