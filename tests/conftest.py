"""How many tests run at a time, and how seldom the garbage collector looks."""

from __future__ import annotations

import gc
import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a core: half of the time that tests take is waiting for processes, leases and peers."""
    return 2 * (os.cpu_count() or 1)


def pytest_collection_finish() -> None:
    """What was collected stays until the end, and nearly all that a test makes goes by itself: a sixth of the time of
    `make unit` was the garbage collector's."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
