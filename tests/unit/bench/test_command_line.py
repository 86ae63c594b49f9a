"""`python -m bench`: which benchmarks run, what is printed, and what a broken one does to the others: nothing."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType

import pytest

from bench import __main__ as command
from bench.table import Row


def _module(name: str, run: object) -> ModuleType:
    module = ModuleType(f"bench.{name}")
    module.run = run  # type: ignore[attr-defined]  # what a benchmark's module has
    return module


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, object]]]:
    """Three benchmarks in place of the real ones, and what each was called with."""
    calls: list[tuple[str, object]] = []

    def quick() -> list[Row]:
        calls.append(("quick", None))
        return [Row("speed", 2.0, "/s", 0.5, "<= 1x", True)]

    def measured(rounds: int = 5, seconds: float = 1.0) -> list[Row]:
        calls.append(("measured", (rounds, seconds)))
        return [Row("cost", 3.0, "ms", 2.0, "<= 1x", False)]

    def compared(rounds: int = 5, earlier: Sequence[Row] = ()) -> list[Row]:
        calls.append(("compared", [row.name for row in earlier]))
        raise RuntimeError("a peer answered 500")

    runs = {"quick": quick, "measured": measured, "compared": compared}
    for name, run in runs.items():
        monkeypatch.setitem(sys.modules, f"bench.{name}", _module(name, run))
    monkeypatch.setattr(command, "BENCHMARKS", {name: f"about {name}" for name in runs})
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield calls


def test_a_missed_target_is_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["quick", "measured"]) == 0
    printed = capsys.readouterr()
    assert "MISSED" in printed.out
    assert "measured: about measured" in printed.err


def test_a_broken_benchmark_leaves_the_others(
    capsys: pytest.CaptureFixture[str], benchmarks: list[tuple[str, object]]
) -> None:
    assert command.main(["--json", "--rounds", "2", "--seconds", "0.5"]) == 1
    printed = capsys.readouterr()
    assert [row["name"] for row in json.loads(printed.out)] == ["speed", "cost"]
    assert "compared: broken" in printed.err and "a peer answered 500" in printed.err
    expected = [("quick", None), ("measured", (2, 0.5)), ("compared", ["speed", "cost"])]
    assert benchmarks == expected


def test_an_unknown_name_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["fast"])
    assert ended.value.code == 2
    assert "there is no benchmark 'fast'" in capsys.readouterr().err


def test_help_lists_the_benchmarks(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--help"])
    assert ended.value.code == 0
    assert "about compared" in capsys.readouterr().out
