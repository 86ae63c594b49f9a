"""The store benchmark: a short run of it, and what it makes of what its processes print."""

from __future__ import annotations

import pytest

from bench import statements, store
from bench.disk import Disk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def test_a_short_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BATCHES", 1)
    monkeypatch.setattr(statements, "BATCHES", 1)
    monkeypatch.setattr(store, "CROWDS", ((1, 5, None), (2, 5, 40)))
    rows = store.measure(1, 40)
    cycle = next(row for row in rows if row.name.startswith("store cycle, batches"))
    over_stdlib = next(row for row in rows if row.name.endswith("over stdlib sqlite3"))
    assert cycle.ratio == pytest.approx(cycle.value / over_stdlib.value)
    alone, stdlib = (row.value for row in rows if "statements alone" in row.name)
    assert 0 < alone < cycle.value
    assert 0 < stdlib < over_stdlib.value
    assert len([row for row in rows if row.unit == "fsyncs/msg" and row.value > 0]) == 2


def test_nothing_is_measured_in_memory(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("bench.disk.file_system_of", lambda _: "tmpfs")
    assert store.measure(1, 40) == []
    assert "where nothing is durable" in capsys.readouterr().err


def test_what_processes_did_is_summed() -> None:
    done = [
        {"waited": [0.01] * 50, "transactions": 5, "fsyncs": 10},
        {"waited": [0.01] * 49 + [0.2], "transactions": 5, "fsyncs": 15},
    ]
    rows = store.crowd_rows("accept", Disk("ext4", 0.004, 0.01), done, 40)
    assert [(row.value, row.ok) for row in rows] == [(0.1, True), (0.25, True), (50.0, False)]
