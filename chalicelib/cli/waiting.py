"""Waiting for what takes a while."""

from __future__ import annotations

import time


def pause(seconds: float) -> None:
    """Let some time pass before the next look."""
    time.sleep(seconds)
