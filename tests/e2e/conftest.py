"""Fixtures of the scenarios: a stack that all share, and stacks of one's own for those that break things."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.stack import ROOT, RunningStack

HERE = Path(__file__).parent
StartStack = Callable[..., RunningStack]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the scenarios; those that share the stack run in one worker, so that there is one such stack."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(240))
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


def _need_emulator() -> None:
    if not (ROOT / ".venv-ministack" / "bin" / "python").exists():
        pytest.skip(".venv-ministack is missing; make test installs it")


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """The shared stack. Leave it as you found it: use recipients of your own, and only ever advance its clock."""
    _need_emulator()
    running = RunningStack(tmp_path_factory.mktemp("stack") / "state")
    try:
        yield running
        assert running.stop() == 0, running.output
    finally:
        running.end()


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    """Starts stacks that nobody else sees; the same name means the same state folder. All are ended afterwards."""
    _need_emulator()
    started: list[RunningStack] = []

    def start(settings: Mapping[str, str] | None = None, name: str = "state") -> RunningStack:
        started.append(RunningStack(tmp_path / name, settings))
        return started[-1]

    yield start
    for running in started:
        running.end()
