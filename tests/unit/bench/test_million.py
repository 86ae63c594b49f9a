"""The benchmark of very many messages, on few: what it fills reads as written, and every row is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench import million
from bench.filled import SERVERS, fill
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.domain.model import Scope, State, Status
from chalicelib.domain.numbering import ServerId
from chalicelib.ports.messages import MessageStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_filled_folder_reads_as_written(tmp_path: Path) -> None:
    fill(tmp_path / "state", 10 * SERVERS)
    store = Posthorn(Settings(state_folder=str(tmp_path / "state")), "sqlite")[MessageStore]
    page = asyncio.run(store.page(ServerId(SERVERS), Scope.OUTGOING, 100))
    assert [record.message.id for record in page.values] == list(range(10, 0, -1))
    assert {len(record.deliveries) for record in page.values} == {1}
    assert [record.status for record in page.values[-3:]] == [
        Status.SOFT_FAIL,
        Status.HELD,
        Status.HARD_FAIL,
    ]
    assert page.values[0].state is State.DONE
    assert len(asyncio.run(store.due(million.NOW, 100))) == SERVERS


def test_every_row_is_measured() -> None:
    rows = million.measure(200)
    assert all(row.value > 0 for row in rows)
    assert len([row for row in rows if row.unit == "ms" and row.target == "<= 1"]) == 6
    assert [row.unit for row in rows[-3:]] == ["B/msg", "s", "s"]


def test_nothing_is_measured_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.disk.file_system_of", lambda _: "tmpfs")
    assert million.measure(200) == []
