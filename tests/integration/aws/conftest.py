"""The AWS backend, and a world of AWS adapters with a meter on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.adapters.aws.meter import Meter
from chalicelib.adapters.aws.session import AwsSession
from chalicelib.adapters.scripted.time import ControlledClock
from chalicelib.bootstrap import Posthorn
from chalicelib.config import Settings
from chalicelib.ports.clock import Clock
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
def aws(aws_names: Settings, clock: ControlledClock, meter: Meter) -> Iterator[Posthorn]:
    """Adapters of one process."""
    world = Posthorn(aws_names, "aws", {Clock: clock, Meter: meter})
    yield world
    world[AwsSession].close()
