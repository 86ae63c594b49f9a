"""Each process of one host keeps to a processor of its own, as far as there are enough."""

from __future__ import annotations

import os
import sys

import pytest

from onehost.process import keep_to_one_processor

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux alone has this")


@pytest.mark.parametrize(("number", "processor"), [(0, 3), (1, 5), (2, 2), (3, 3)])
def test_processes_go_round_the_processors_that_they_may_use(
    number: int, processor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen: list[set[int]] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {2, 3, 5})
    monkeypatch.setattr(os, "getppid", lambda: 31)
    monkeypatch.setattr(os, "sched_setaffinity", lambda _, processors: chosen.append(processors))
    keep_to_one_processor(number)
    assert chosen == [{processor}]
