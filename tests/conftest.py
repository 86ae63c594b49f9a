"""How many tests run at a time, how seldom the garbage collector looks, and what long values are called."""

from __future__ import annotations

import gc
import os

import pytest

LONGEST_NAME = 200


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


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """A long value has its length for a name: a report with a megabyte of one is of no use."""
    if isinstance(val, str | bytes) and len(val) > LONGEST_NAME:
        return f"{argname} of {len(val)}"
    return None
