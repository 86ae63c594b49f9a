"""The AWS backend, and a world of AWS adapters with a meter on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws import AwsWorld
from chalicelib.adapters.memory import ControlledClock
from chalicelib.adapters.meter import Meter
from chalicelib.adapters.randomness import SystemRand
from chalicelib.config import Settings
from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.fakes import NOW

__all__ = ["aws_backend", "aws_names", "aws_settings"]


@pytest.fixture
def clock() -> ControlledClock:
    return ControlledClock(NOW)


@pytest.fixture
def meter() -> Meter:
    return Meter()


@pytest.fixture
def aws(aws_names: Settings, clock: ControlledClock, meter: Meter) -> Iterator[AwsWorld]:
    """Adapters of one process."""
    world = AwsWorld(aws_names, clock, SystemRand(), meter=meter)
    yield world
    world.session.close()
