"""Stages on both families of adapters."""

from __future__ import annotations

import pytest

from tests.aws_backend import aws_backend, aws_names, aws_settings
from tests.webhook_stage import Stage, make_stage

__all__ = ["aws_backend", "aws_names", "aws_settings"]


@pytest.fixture(params=["memory", pytest.param("aws", marks=pytest.mark.aws)])
async def stage(request: pytest.FixtureRequest) -> Stage:
    if request.param == "memory":
        return await make_stage()
    return await make_stage(on_aws=request.getfixturevalue("aws_settings"))
