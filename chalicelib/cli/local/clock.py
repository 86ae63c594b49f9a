"""The time as an installation has it."""

from __future__ import annotations

from chalicelib.bootstrap import Posthorn
from chalicelib.ports.clock import Clock


def clock_of(posthorn: Posthorn) -> float:
    """Epoch seconds."""
    return posthorn[Clock].now()
