"""Fixtures of the scenarios: a stack that all share, and stacks of one's own for those that break things."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.stack import RunningStack
from tests.e2e.target import belongs, chosen

HERE = Path(__file__).parent
StartStack = Callable[..., RunningStack]


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark the scenarios; those that share the stack run in one worker, so that there is one such stack.

    Scenarios that are not for the chosen target are left out.
    """
    kind = chosen()
    foreign = [item for item in items if HERE in item.path.parents and not belongs(item, kind)]
    if foreign:
        config.hook.pytest_deselected(items=foreign)
        items[:] = [item for item in items if item not in foreign]
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.e2e)
        item.add_marker(pytest.mark.timeout(1_200))
        if "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.xdist_group("stack"))


def _need_emulator() -> None:
    if reason := chosen().missing():
        pytest.skip(reason)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[RunningStack]:
    """The shared stack. Leave it as you found it: use recipients of your own, and only ever advance its clock."""
    _need_emulator()
    if (
        worker_id != "master"
    ):  # fails for a second one, if groups do not keep these scenarios in one worker
        (tmp_path_factory.getbasetemp().parent / "shared").mkdir()
    kind = chosen()
    place = tmp_path_factory.mktemp("stack") / "state"
    running = RunningStack(place, kind.settings, kind.start_seconds)
    try:
        yield running
        assert running.stop() == 0, running.output
    finally:
        running.end()


@pytest.fixture
def start_stack(tmp_path: Path) -> Iterator[StartStack]:
    """Starts stacks that nobody else sees; the same name means the same state folder. All are ended afterwards."""
    _need_emulator()
    kind, started = chosen(), list[RunningStack]()

    def start(settings: Mapping[str, str] | None = None, name: str = "state") -> RunningStack:
        given = {**kind.settings, **(settings or {})}
        started.append(RunningStack(tmp_path / name, given, kind.start_seconds))
        return started[-1]

    yield start
    for running in started:
        running.end()
