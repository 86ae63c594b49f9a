"""search.db can be lost, and is whole again after a while; meanwhile all is found. What it forgot lies nowhere."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import apsw
import pytest

from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.adapters.sqlite import search_fill, search_merge, search_rows
from chalicelib.adapters.sqlite.database import fetched
from chalicelib.adapters.sqlite.feed import EventFeed
from chalicelib.adapters.sqlite.folder import SEARCH
from chalicelib.adapters.sqlite.mail_index import SqliteMailIndex
from chalicelib.adapters.sqlite.search_merge import merge_step, parts
from chalicelib.adapters.sqlite.search_schema import SearchDatabase
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.durations import DAY
from chalicelib.domain.model import Scope
from chalicelib.domain.numbering import MessageId, ServerId
from chalicelib.domain.search.findable import Findable, findable_of
from chalicelib.domain.search.parse import parse_query
from chalicelib.ports.clock import Clock
from chalicelib.ports.messages import MessageStore
from chalicelib.ports.purge import ServerPurge
from tests.fakes import NOW, a_message
from tests.findables import findable

OURS, THEIRS = ServerId(5), ServerId(6)
SECRET = "zanzibarquark"  # a word that stands nowhere else
LONG = 60.0


def opened(state: Path) -> Posthorn:
    """A process of its own."""
    program = Posthorn(Settings(state_folder=str(state)), "sqlite", {Clock: ControlledClock(NOW)})
    assert program[SearchDatabase]  # opened as it begins
    return program


async def found(
    program: Posthorn, text: str, server: ServerId = OURS, scope: Scope | None = None
) -> list[int]:
    """Every candidate of a search, by pages of three."""
    index, every, after = program[SqliteMailIndex], [], None
    while True:
        page = await index.find(server, scope, parse_query(text, NOW), 3, after)
        every += page.messages
        after = page.next
        if after is None:
            return every


def bytes_of(state: Path) -> bytes:
    """Everything that lies in search.db and beside it."""
    return b"".join(path.read_bytes() for path in state.glob(f"{SEARCH}*"))


async def store(program: Posthorn, server: ServerId, numbers: range) -> None:
    made = [
        a_message(server, number, subject=f"Order {number}", received_at=NOW + number)
        for number in numbers
    ]
    await program[MessageStore].create(made)


async def tell(program: Posthorn, server: ServerId, numbers: range) -> None:
    """Tell the index of what is stored, as the consumer of the feed does, and keep the position."""
    records = await program[MessageStore].get_many([(server, MessageId(n)) for n in numbers])
    await program[SqliteMailIndex].put([findable_of(one) for one in records])
    _, position = program[EventFeed].read()
    await program[EventFeed].move(position)


def with_secret(number: int, **changes: object) -> Findable:
    fields: dict[str, object] = {
        "server": OURS,
        "message": MessageId(number),
        "subject": f"{SECRET} {number}",
        "rcpt_to": f"{SECRET}@example.com",
    }
    return findable(**(fields | changes))


@pytest.mark.parametrize("is_later", [False, True])
async def test_words_that_were_forgotten_lie_nowhere(tmp_path: Path, is_later: bool) -> None:
    state = tmp_path / "state"
    program = opened(state)
    index, dice = program[SqliteMailIndex], random.Random(7)
    for start in range(1, 2_000, 50):
        others = [
            findable(
                server=dice.choice([OURS, THEIRS]),
                message=MessageId(number),
                subject=f"word{dice.randrange(500)} number{number}",
            )
            for number in range(start, start + 50)
        ]
        await index.put(others)
        await index.put([with_secret(5_000 + start, version=1)])
        await index.put([with_secret(5_000 + start, version=2, statuses=("held",))])
    assert SECRET.encode() in bytes_of(state)
    before = await found(program, "", THEIRS)

    gone = [MessageId(5_000 + start) for start in range(1, 2_000, 50)]
    await index.forget(OURS, gone[:20], words_later=True)
    await index.forget(OURS, gone[20:], words_later=is_later)
    assert await found(program, SECRET) == await found(program, "status:held") == []
    await index.tidy(LONG)

    assert SECRET.encode() not in bytes_of(state)
    assert await found(program, "", THEIRS) == before
    await index.put([with_secret(int(gone[0]), version=9)])
    assert SECRET.encode() not in bytes_of(state), "who tells of it late is refused"


async def test_what_is_told_while_parts_are_merged_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_merge, "PAGES", 5)
    state = tmp_path / "state"
    program = opened(state)
    index, search = program[SqliteMailIndex], program[SearchDatabase]
    await index.put([with_secret(1)])
    for start in range(0, 6_000, 200):
        await index.put(
            [
                findable(server=THEIRS, message=MessageId(n), subject=f"a{n} b{n} c{n}")
                for n in range(start + 1, start + 201)
            ]
        )
    await index.forget(OURS, [MessageId(1)], words_later=True)
    # What is told merges too, and would have done all of it.
    await search.write(
        lambda db: fetched(db, "INSERT INTO search(search, rank) VALUES ('automerge', 0)")
    )
    steps = 0
    while await search.write(merge_step):
        steps += 1
        told = MessageId(10_000 + steps)
        await index.put([findable(server=OURS, message=told, subject="meanwhile")])
        await index.put([findable(server=OURS, message=told, subject="meanwhile", version=4)])
    await index.tidy(LONG)

    assert steps > 3, "it takes more than one transaction"
    assert SECRET.encode() not in bytes_of(state)
    assert len(await found(program, "meanwhile")) == steps
    assert len(await found(program, "b77", THEIRS)) == 1
    assert fetched(apsw.Connection(str(state / SEARCH)), "PRAGMA integrity_check") == [("ok",)]


async def test_a_merge_that_was_stopped_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_merge, "PAGES", 5)
    state = tmp_path / "state"
    program = opened(state)
    index = program[SqliteMailIndex]
    await index.put([with_secret(1)])
    for start in range(0, 6_000, 200):
        await index.put(
            [
                findable(server=THEIRS, message=MessageId(n), subject=f"a{n} b{n} c{n}")
                for n in range(start + 1, start + 201)
            ]
        )
    await index.forget(OURS, [MessageId(1)], words_later=True)
    assert await program[SearchDatabase].write(merge_step)

    again = opened(state)
    await again[SqliteMailIndex].tidy(LONG)
    assert SECRET.encode() not in bytes_of(state)
    assert len(parts_of(state)) == 1


def parts_of(state: Path) -> set[str]:
    return parts(apsw.Connection(str(state / SEARCH)))


async def test_no_step_of_a_merge_writes_more_than_its_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_merge, "PAGES", 5)
    program = opened(tmp_path / "state")
    index, search = program[SqliteMailIndex], program[SearchDatabase]
    for start in range(0, 10_000, 200):
        await index.put(
            [
                findable(server=THEIRS, message=MessageId(n), subject=f"a{n} b{n} c{n} d{n}")
                for n in range(start + 1, start + 201)
            ]
        )
    await index.forget(THEIRS, [MessageId(1)], words_later=True)
    written = []

    def step(db: apsw.Connection) -> bool:
        before = db.total_changes()
        is_left = merge_step(db)
        written.append(db.total_changes() - before)
        return is_left

    while await search.write(step):
        pass
    assert len(written) > 5
    # Rows of its tables: what is written, its entries in the list of first terms, and what it is in place of.
    assert max(written) < sum(written) / 4


async def test_messages_that_were_there_before_are_found_while_it_fills_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_fill, "ROWS", 4)
    monkeypatch.setattr(search_fill, "_NEWEST", search_fill._NEWEST.replace("LIMIT 200", "LIMIT 4"))
    state = tmp_path / "state"
    before = opened(state)
    await store(before, OURS, range(1, 31))
    await store(before, THEIRS, range(1, 4))
    _, position = before[EventFeed].read()
    await before[EventFeed].move(position)
    remove(state)

    program = opened(state)
    fill = program[search_fill.SearchFill]
    steps = 0
    while True:
        assert await found(program, "order") == list(range(30, 0, -1))
        assert await found(program, "order order:oldest-first") == list(range(1, 31))
        assert await found(program, "17") == [17]
        assert await found(program, "", scope=Scope.INCOMING) == []
        if not await fill.step():
            break
        steps += 1
    assert steps == 8 + 1 + 1 + 1  # pages, and the end of each server
    assert _filling(state) == 0
    assert await found(program, "order", THEIRS) == [3, 2, 1]
    await program[SqliteMailIndex].tidy(LONG)


def _filling(state: Path) -> int:
    ((count,),) = fetched(apsw.Connection(str(state / SEARCH)), "SELECT count(*) FROM filling")
    return int(count)


def remove(state: Path) -> None:
    for path in state.glob(f"{SEARCH}*"):
        path.unlink()


async def test_one_that_lacks_what_was_told_is_made_anew(tmp_path: Path) -> None:
    state = tmp_path / "state"
    program = opened(state)
    await store(program, OURS, range(1, 4))
    await tell(program, OURS, range(1, 4))
    await program[SearchDatabase].empty_log()
    shutil.copy(state / SEARCH, tmp_path / "older")
    await store(program, OURS, range(4, 8))
    await tell(program, OURS, range(4, 8))
    assert _filling(state) == 0

    same = opened(state)
    assert await found(same, "order") == [7, 6, 5, 4, 3, 2, 1]
    assert _filling(state) == 0, "one that was told everything is kept"

    remove(state)
    shutil.copy(tmp_path / "older", state / SEARCH)
    anew = opened(state)
    assert await found(anew, "order") == [7, 6, 5, 4, 3, 2, 1]
    assert _filling(state) == 1
    await anew[SqliteMailIndex].tidy(LONG)
    assert _filling(state) == 0
    assert await found(anew, "order") == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("content", [b"", b"not a database" * 1_000, None])
async def test_one_that_cannot_be_read_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    state = tmp_path / "state"
    program = opened(state)
    await store(program, OURS, range(1, 4))
    await tell(program, OURS, range(1, 4))
    remove(state)
    if content is None:  # of another release
        db = apsw.Connection(str(state / SEARCH))
        fetched(db, "CREATE TABLE other(one)")
        fetched(db, "PRAGMA user_version=99")
        db.close()
    else:
        (state / SEARCH).write_bytes(content)
    again = opened(state)
    assert await found(again, "order") == [3, 2, 1]
    await again[SqliteMailIndex].tidy(LONG)
    assert await found(again, "order") == [3, 2, 1]


async def test_a_purged_server_lies_nowhere(tmp_path: Path) -> None:
    state = tmp_path / "state"
    program = opened(state)
    index = program[SqliteMailIndex]
    await index.put([with_secret(number) for number in range(1, 700)])
    await index.put([findable(server=THEIRS, message=MessageId(1))])
    while await program[ServerPurge].step(OURS, 1):
        pass
    assert SECRET.encode() not in bytes_of(state)
    await index.put([with_secret(800)])
    assert SECRET.encode() not in bytes_of(state), "who tells of it late is refused"
    assert await found(program, "", THEIRS) == [1]


async def test_what_was_refused_long_enough_is_not_noted_any_more(tmp_path: Path) -> None:
    program = opened(tmp_path / "state")
    index, search = program[SqliteMailIndex], program[SearchDatabase]
    await index.forget(OURS, [MessageId(1)])
    await index.tidy(LONG)
    assert search.read(lambda db: fetched(db, "SELECT count(*) FROM forgotten")) == [(1,)]
    program[Clock].advance(DAY + 1)  # type: ignore[attr-defined]
    await index.tidy(LONG)
    assert search.read(lambda db: fetched(db, "SELECT count(*) FROM forgotten")) == [(0,)]


async def test_a_date_is_found_without_looking_at_what_is_newer(tmp_path: Path) -> None:
    program = opened(tmp_path / "state")
    index, search = program[SqliteMailIndex], program[SearchDatabase]
    span = 1 << search_rows.SPAN_BITS
    many = [
        findable(server=OURS, message=MessageId(n), received_at=NOW - DAY * 100 + n * 60)
        for n in range(1, span * 20)
    ]
    await index.put(many)
    looked: list[int] = []

    class Counted(SqliteMailIndex):
        def _looked(self, *arguments: object) -> object:  # type: ignore[override]
            looked.append(super()._looked(*arguments)[0].count)  # type: ignore[arg-type]
            return super()._looked(*arguments)  # type: ignore[arg-type]

    counted = Counted(search, index._mail, index._fill, program[Clock])
    query = parse_query("before:95d after:96d status:sent", NOW)
    page = await counted.find(OURS, None, query, 3)
    oldest_first = parse_query("before:89d after:90d order:oldest-first", NOW)
    other = await counted.find(OURS, None, oldest_first, 3)

    by_number = {one.message: one.received_at for one in many}
    assert all(NOW - 96 * DAY <= by_number[n] < NOW - 95 * DAY for n in page.messages)
    assert all(NOW - 90 * DAY <= by_number[n] < NOW - 89 * DAY for n in other.messages)
    assert len(page.messages) == len(other.messages) == 3
    assert sum(looked) <= 2 * 10_000


async def test_one_that_turns_out_to_be_damaged_keeps_nothing_else_waiting(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    state = tmp_path / "state"
    program = opened(state)
    await store(program, OURS, range(1, 4))
    await tell(program, OURS, range(1, 4))
    await program[SearchDatabase].write(
        lambda db: fetched(db, "UPDATE search_data SET block = x'00' WHERE id = 10")
    )
    again = opened(state)
    await store(again, OURS, range(4, 8))
    await tell(again, OURS, range(4, 8))
    assert again[EventFeed].read()[0] == [], "what consumers were told is behind them"
    await again[SqliteMailIndex].forget(OURS, [MessageId(1)])
    await again[SqliteMailIndex].tidy(LONG)
    assert "damaged" in caplog.text
    assert not (state / SEARCH).exists()

    anew = opened(state)
    await anew[SqliteMailIndex].tidy(LONG)
    assert await found(anew, "order") == [7, 6, 5, 4, 3, 2, 1]
    assert _filling(state) == 0
