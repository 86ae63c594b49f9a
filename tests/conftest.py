"""How many tests run at a time."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_auto_num_workers() -> int:
    """Two a core: half of the time that tests take is waiting for processes, leases and peers."""
    return 2 * (os.cpu_count() or 1)
